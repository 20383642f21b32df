interface Device {
    onLine?: boolean;
    connection?: {
        saveData?: boolean;
        type?: string;
    };
    getBattery?: () => Promise<{
        charging: boolean;
        level: number;
    }>;
}
/** Return whether the network and the battery can be used in the background. */
export declare const isSuitable: (device: Device) => Promise<boolean>;
/** Wait until there is nothing better to do; looked at again when the browser is back online. */
export declare const goodMoment: (signal: AbortSignal) => Promise<void>;
/** Wait for some seconds, or until the browser is online again. */
export declare const untilOnline: (seconds: number, signal: AbortSignal) => Promise<void>;
export {};
