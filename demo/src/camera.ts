/** The camera: asked for, chosen among several, and what is to be said where there is none. */

export interface Camera {
  readonly stream: MediaStream;
  /** It looks at who uses the page, and is shown as a mirror. */
  readonly mirrored: boolean;
  readonly device: string | undefined;
}

/** Why there is no picture, in words for who stands before the screen. */
const REASONS: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The camera was not allowed. Allow it for this page in the browser's address bar, then press “Use the camera” again. Pictures work without it.",
  SecurityError: "The camera is not allowed in this page. Pictures work without it.",
  NotFoundError: "There is no camera here. Open or drop pictures instead.",
  OverconstrainedError: "The camera that was chosen is no longer there. Choose another.",
  NotReadableError:
    "The camera is in use by another program, or does not start. Close the other program and try again.",
  AbortError: "The camera did not start. Try again.",
};

/** @throws an error whose message is for people */
export async function openCamera(device?: string): Promise<Camera> {
  const { mediaDevices } = navigator;
  if (mediaDevices?.getUserMedia === undefined) {
    throw new Error("This browser gives no camera here: it wants https, or localhost. Pictures work all the same.");
  }
  try {
    const video: MediaTrackConstraints = {
      ...{ width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } },
      ...(device && { deviceId: { exact: device } }),
    };
    const stream = await mediaDevices.getUserMedia({ video, audio: false });
    const settings = stream.getVideoTracks()[0]!.getSettings();
    return { stream, mirrored: settings.facingMode !== "environment", device: settings.deviceId };
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new Error(REASONS[name] ?? `The camera does not start: ${message}`, { cause });
  }
}

/** The cameras of the device; their names are known once one was allowed. */
export async function cameras(): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind }) => kind === "videoinput")
    .map(({ deviceId, label }, i) => ({ id: deviceId, name: label || `Camera ${i + 1}` }));
}
