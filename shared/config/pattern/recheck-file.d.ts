/** Imported with `{ type: "file" }`: the path of the file, which lies inside the binary when that is compiled. */
declare module "recheck/lib/browser.js" {
  const path: string;
  export default path;
}
