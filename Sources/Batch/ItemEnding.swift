/// How an item ended: what a batch needs of a record while it runs.
///
/// The record itself stays on the disk, so that thousands of items do not take memory for what each of them showed.
package struct ItemEnding: Sendable {
  /// Under what the record is kept.
  package let key: String
  /// What the item is called.
  package let name: String
  /// How it ended.
  package let outcome: Record.Outcome
  /// Why it was not converted; `nil` where it was compared.
  package let cause: Record.Cause?
  /// What was said of what was not converted.
  package let message: String?
  /// The bytes of the file that was written, and their digest.
  let output: (bytes: Int, sha256: String)?
  /// The limit that the item reached, in seconds or bytes; `nil` where it reached none.
  let reachedLimit: Int?
  /// The files that were read beside those that the key is made of, and the digest of them.
  let parts: (paths: [String], sha256: String)?

  init(_ record: Record) {
    (key, name, outcome, cause) = (record.key, record.name, record.outcome, record.cause)
    (message, output) = (record.message, record.output)
    (reachedLimit, parts) = (record.reachedLimit, record.parts)
  }
}
