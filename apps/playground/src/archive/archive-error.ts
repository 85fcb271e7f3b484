// A file that is no archive, or a damaged one.

export class ArchiveError extends Error {
  override name = 'ArchiveError'
}
