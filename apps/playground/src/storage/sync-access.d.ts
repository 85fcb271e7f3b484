// The part of the file system that TypeScript's DOM library leaves out, since only workers have it.

interface FileSystemSyncAccessHandle {
  truncate(size: number): void
  write(bytes: Uint8Array, options?: { at?: number }): number
  flush(): void
  close(): void
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>
}

interface FileSystemDirectoryHandle {
  keys(): AsyncIterableIterator<string>
}
