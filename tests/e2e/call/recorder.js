// Put into the page before its own scripts: records what the microphone gives (left) and what the
// call plays (right), as one stereo PCM recording: both on one clock.
(() => {
  if (!navigator.mediaDevices) return;
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "playback" });
  const merger = context.createChannelMerger(2);
  const both = context.createMediaStreamDestination();
  both.channelCount = 2;
  merger.connect(both);
  const wired = new Set();
  const wire = (track, channel) => {
    if (track.kind !== "audio" || wired.has(track)) return;
    wired.add(track);
    context.createMediaStreamSource(new MediaStream([track])).connect(merger, 0, channel);
  };

  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    for (const track of stream.getAudioTracks()) wire(track, 0);
    return stream;
  };
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", ({ track }) => wire(track, 1));
    }
  };

  const recorder = new MediaRecorder(both.stream, { mimeType: "audio/webm;codecs=pcm" });
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.start(1000);
  window.recorded = async () => {
    if (recorder.state !== "inactive") {
      await new Promise((done) => {
        recorder.onstop = done;
        recorder.stop();
      });
    }
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  };
})();
