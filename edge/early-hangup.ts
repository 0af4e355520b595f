/**
 * A SIGHUP that comes before the config was read asks for nothing that will not happen anyway, but its default is to end
 * the process. So it is caught from the first moment on: this file is the first import of main.ts and imports nothing,
 * because imports are evaluated before the body of the file that names them.
 */
let came = false;

const note = () => {
  came = true;
};

if (process.argv[2] === "run") process.on("SIGHUP", note);

/** Hands over to whoever reloads: true when a SIGHUP came until now. Call it after the own listener stands. */
export function takeEarlyHangup(): boolean {
  process.off("SIGHUP", note);
  return came;
}
