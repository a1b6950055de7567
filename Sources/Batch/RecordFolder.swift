import Files
import FoundationEssentials
import Plain
import Threads

/// Where a batch writes: the files that it makes, a record for each item, and what it knows of files.
package struct RecordFolder: Sendable {
  /// The folder.
  package let path: String

  /// Far more than any record needs.
  private static let longestRecord = 1 << 20

  package init(_ path: String) {
    let kept = path.reversed().drop { $0 == "/" }.reversed()
    self.path = kept.isEmpty ? path : String(kept)
  }

  /// The folders that the batch makes in it: nothing in them is an item.
  package var own: [String] { [models, records, digests] }

  /// Whether a path leads into one of them, whatever links lead there.
  package func hasMade(_ place: String) -> Bool {
    own.contains { FileStamp.isSame(place, $0) || FileStamp.isWithin(place, folder: $0) }
  }

  /// Where an item's file goes.
  package func output(of name: String) -> String { "\(models)/\(name).rnw" }

  /// Where the files are that it makes.
  var models: String { "\(path)/models" }

  /// Where the digests of files are kept.
  var digests: String { "\(path)/digests" }

  var records: String { "\(path)/records" }

  private func place(of key: String) -> String { "\(records)/\(key.prefix(2))/\(key).json" }

  /// Makes a folder and those that it is in.
  ///
  /// - Throws: `InputError` of kind `cannotCreate`.
  static func make(_ path: String) throws(InputError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let reason = FileStamp(path: path) == nil ? "cannot be made" : "is no folder"
      throw InputError(.cannotCreate, path: path, reason, place: "a folder was expected")
    }
  }

  /// Writes a record, whole or not at all.
  func write(_ record: Record) throws {
    let place = place(of: record.key)
    try Self.make(place.folderAndName.folder)
    let output = try OutputFile(path: place, replacing: true)
    try output.write(Array((record.json + "\n").utf8), at: 0)
    try output.commit()
  }

  /// Takes a record away that another has taken the place of.
  func remove(_ key: String) {
    try? FileManager.default.removeItem(atPath: place(of: key))
  }

  /// What all records tell; what is none is passed over, as it is not trusted: its item is done again.
  func all(threads: Int) -> [ItemEnding] {
    let folders = Self.names(in: records)
    let read = try? concurrentMap(folders, threads: threads) { folder in
      Self.names(in: "\(records)/\(folder)").compactMap { name -> ItemEnding? in
        guard name.hasSuffix(".json"), !name.hasPrefix("."),
          let record = Self.record("\(records)/\(folder)/\(name)"), "\(record.key).json" == name
        else { return nil }
        return ItemEnding(record)
      }
    }
    return (read ?? []).flatMap { $0 }
  }

  private static func record(_ path: String) -> Record? {
    guard let file = try? MappedFile(path: path), file.count <= longestRecord,
      let bytes = file.bytes(at: 0, count: file.count)
    else { return nil }
    return try? Record(JSONValue(json: bytes))
  }

  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// Removes temporary files that whoever made them was killed over: older than any item may take.
  ///
  /// - Parameter seconds: how long an item may take.
  func removeLeftovers(olderThan seconds: Int) {
    for folder in [records, models, digests] {
      Self.visit(folder, depth: 0) { path, name in
        guard name.hasPrefix("."), name.hasSuffix(".tmp"), let stamp = FileStamp(path: path),
          stamp.age > seconds
        else { return }
        try? FileManager.default.removeItem(atPath: path)
      }
    }
  }

  private static func visit(_ folder: String, depth: Int, _ body: (String, String) -> Void) {
    for name in names(in: folder) {
      let path = "\(folder)/\(name)"
      // Most have an ending, and no folder need be asked for.
      if name.hasSuffix(".rnw") || name.hasSuffix(".json") { continue }
      if FileStamp.isFolder(path) {
        if depth < 64, !FileStamp.isLink(path) { visit(path, depth: depth + 1, body) }
      } else {
        body(path, name)
      }
    }
  }
}
