package import Files
package import Processes

/// What is to be converted, where to, and with what patience.
package struct BatchRequest: Sendable {
  /// All items, in the order of their names; those of other parts too.
  package var items: [BatchItem]
  /// Where files and records go.
  package var folder: RecordFolder
  /// Which part is done.
  package var shard = Shard.whole
  /// How many items are converted at once.
  package var jobs: Int
  /// The program that converts, and its version.
  package var program: (path: String, version: String)
  /// What an item may take.
  package var limits: LimitedRun.Limits
  /// How often an item is tried again that could not be converted for a reason that may pass.
  package var retries = 2
  /// Whether what is quarantined is tried again.
  package var repeatsQuarantined = false
  /// Whether records of no item are taken away, with their files.
  package var prunes = false
  /// Whether each written file is also checked on its own.
  package var verifies = false
  /// The files that belong to a source beside the one that it is named by, by their paths.
  package var companions: @Sendable (_ path: String) -> [String] = { _ in [] }

  /// Describes a batch.
  package init(
    items: [BatchItem], folder: RecordFolder, jobs: Int, program: (path: String, version: String),
    limits: LimitedRun.Limits
  ) {
    (self.items, self.folder, self.jobs) = (items, folder, jobs)
    (self.program, self.limits) = (program, limits)
  }
}

/// What a batch found and did.
package struct BatchOutcome: Sendable {
  /// The items of this part.
  package let items: Int
  /// How many of them were converted now; the others had a record.
  package let done: Int
  /// How many ended how.
  package let outcomes: [Record.Outcome: Int]
  /// Those that are quarantined, and those that could not be converted, in the order of their names.
  package let troubles: [ItemEnding]
  /// Records that could not be written.
  package let unrecorded: [InputError]
  /// How many records in the folder are of no item of the batch.
  package let others: Int
  /// How many more there were, which have been taken away.
  package let pruned: Int
}
