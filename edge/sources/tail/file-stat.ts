/** What a directory or a descriptor says about a file. */
export interface FileStat {
  readonly inode: bigint;
  readonly device: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
}
