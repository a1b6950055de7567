package import Files

/// One thing to convert: a process of its own.
package struct BatchItem: Hashable, Sendable {
  /// What it is called in records and pages, and where its file goes: a relative path of plain names.
  package let name: String
  /// The path of the source.
  package let source: String
  /// How it is converted: arguments of `rnw convert`.
  package let options: [String]
  /// The files that the options name, such as activations: their content counts as that of the source does.
  package let files: [String]
  /// Where the item was asked for, for messages.
  package let place: String

  /// Describes an item.
  package init(name: String, source: String, options: [String], files: [String], place: String) {
    (self.name, self.source) = (name, source)
    (self.options, self.files, self.place) = (options, files, place)
  }

  /// Every file that converting it needs, by names alone: those of its source and those that its options name.
  ///
  /// - Parameter companions: the files that belong to a source beside the one that it is named by, by their paths.
  package func neededFiles(companions: (_ path: String) -> [String]) -> [String] {
    let own =
      FileStamp.isFolder(source)
      ? ItemKey.files(in: source, depth: 0) : [source] + companions(source)
    return own + files
  }

  /// A path as a name of an item: without what leads out of a folder.
  package static func name(of path: String) -> String {
    let name = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
      .filter { $0 != "." && $0 != ".." }.joined(separator: "/")
    return name.isEmpty ? "model" : name
  }

  /// Items in the order of their names, byte by byte.
  ///
  /// - Throws: `InputError` for two items of one name.
  package static func sorted(_ items: [BatchItem]) throws(InputError) -> [BatchItem] {
    let sorted = items.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (one, other) in zip(sorted, sorted.dropFirst())
    where one.name.utf8.elementsEqual(other.name.utf8) {
      let (first, second) = items.first { $0 == one } == one ? (one, other) : (other, one)
      throw InputError(
        .badData, path: second.place, "has the name of another item",
        place: "\(second.name) is that of \(first.place)",
        hint: "\"name\" in a line of a manifest tells two apart")
    }
    return sorted
  }
}
