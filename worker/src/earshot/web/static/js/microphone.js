// The microphone: whether it may be used, and opening it. Errors become failures people understand.

import { Failure } from "./failures.js";

const LK = window.LivekitClient;

/** granted | prompt | denied | unknown (some browsers do not say) */
export async function microphonePermission() {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state;
  } catch {
    return "unknown";
  }
}

/**
 * Opens it, with the browser's echo cancellation, so that the agent does not hear itself.
 * @param deviceId the one wished for; "" or one that is gone: the default
 * @returns a LocalAudioTrack
 * @throws Failure insecure_origin, unsupported, mic_denied, mic_missing, mic_busy
 */
export async function openMicrophone(deviceId = "") {
  if (!window.isSecureContext) throw new Failure("insecure_origin");
  if (!navigator.mediaDevices?.getUserMedia) throw new Failure("unsupported");
  try {
    return await LK.createLocalAudioTrack({
      deviceId: { ideal: deviceId || "default" },
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    });
  } catch (error) {
    throw new Failure(codeOf(error), { message: error?.message });
  }
}

function codeOf(error) {
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "mic_denied";
    case "NotFoundError":
    case "OverconstrainedError":
    case "DevicesNotFoundError":
      return "mic_missing";
    default: // NotReadableError, AbortError, TrackStartError
      return "mic_busy";
  }
}
