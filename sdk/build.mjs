// Bundles the SDK into dist/, writes its declarations, and holds it to its sizes.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");

/** The most bytes of files together, gzipped: what a page loads, and a worker in addition. */
const limits = [
  { files: ["hedgerow.js", "hedgerow-shared.js"], limit: 14_000 },
  { files: ["hedgerow-worker.js"], limit: 12_000 },
];

const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  banner: { js: "// Hedgerow SDK. SPDX-License-Identifier: Apache-2.0" },
  logLevel: "warning",
};

/** Leaves pairwise mode, which browsers have seldom use for, out of a bundle. */
const splitOnly = {
  name: "split-only",
  setup({ onResolve }) {
    const filter = /\/(pairwise\/client|parameters|skellam)\.js$/;
    onResolve({ filter }, () => ({ path: join(root, "src/split-only.ts") }));
  },
};

rmSync(dist, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { hedgerow: "src/index.ts", "hedgerow-worker": "src/worker.ts" },
  plugins: [splitOnly],
  splitting: true,
  // Two entries have one chunk in common.
  chunkNames: "hedgerow-shared",
});
await build({ ...common, entryPoints: { "hedgerow-worker-pairwise": "src/worker.ts" } });

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--project", "tsconfig.types.json"], {
  cwd: root,
  stdio: "inherit",
});

const names = readdirSync(dist).filter((name) => name.endsWith(".js"));
const sizes = Object.fromEntries(
  names.sort().map((name) => [name, gzipSync(readFileSync(join(dist, name)), { level: 9 }).length]),
);
writeFileSync(join(dist, "size.json"), `${JSON.stringify(sizes, null, 2)}\n`);

let tooLarge = false;
for (const { files, limit } of limits) {
  const size = files.reduce((sum, name) => sum + sizes[name], 0);
  console.log(`${files.join(" + ")}: ${size} of ${limit} bytes gzipped`);
  tooLarge ||= size > limit;
}
if (tooLarge) {
  console.error("The SDK is over its limit; make it smaller.");
  process.exit(1);
}
