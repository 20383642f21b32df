/** The worker, or the same file on the page where workers are refused. */
import type { Member, Order, Outcome, Reply, Settings, Where, WorkerModule } from "./messages.js";

/** A member with a worker of its own, which ends with it, whatever it is doing. */
export interface Helper extends Member {
  readonly where: Where;
  close(): void;
}

/** Start the worker; where the browser or a content policy refuses it, import its file. */
export const startHelper = async (url: string, settings: Settings): Promise<Helper> => {
  const worker = await startWorker(url);
  if (!worker) {
    const { memberOf } = (await import(url)) as WorkerModule;
    return { ...memberOf(settings), where: "page", close: () => {} };
  }
  tell(worker, { kind: "settings", settings });
  return {
    where: "worker",
    take: (token, signal) => take(worker, token, signal),
    close: () => worker.terminate(),
  };
};

const tell = (worker: Worker, order: Order): void => worker.postMessage(order);

/** Return a worker that has said that it is ready; undefined where it cannot be. */
const startWorker = (url: string): Promise<Worker | undefined> =>
  new Promise((resolve) => {
    try {
      const worker = new Worker(url, { type: "module" });
      worker.onmessage = () => resolve(worker);
      worker.onerror = (event) => {
        event.preventDefault();
        worker.terminate();
        resolve(undefined);
      };
    } catch {
      resolve(undefined);
    }
  });

const take = (worker: Worker, token: string | undefined, signal: AbortSignal): Promise<Outcome> => {
  let stop = (): void => {};
  const outcome = new Promise<Outcome>((resolve, reject) => {
    signal.throwIfAborted();
    // Who is told so ends the worker at once.
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.kind === "outcome") resolve(data.outcome);
    };
    worker.onerror = () =>
      resolve({ later: 60, problem: { code: "worker", sentence: "The worker failed." } });
    tell(worker, { kind: "take", token });
  });
  return outcome.finally(() => signal.removeEventListener("abort", stop));
};
