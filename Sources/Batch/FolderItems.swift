package import Files
import FoundationEssentials

/// What of a folder is an item: models in several files are one, what is no model is left out.
package struct FolderItems {
  /// What a name in a folder is.
  package enum Kind: Hashable, Sendable {
    /// A model in one file, or the file by which one in several is opened.
    case model
    /// Part of another model, or nothing that is converted.
    case stray
  }

  /// How models are told: containers are known elsewhere.
  package struct Knowledge: Sendable {
    /// Whether a folder as a whole is a model, and whether there may be other models in it.
    package var folder: @Sendable (_ path: String) -> (isModel: Bool, hasOthers: Bool)
    /// What a file is, by its name and those beside it.
    package var file: @Sendable (_ name: String, _ beside: Set<String>) -> Kind

    /// Describes how models are told.
    package init(
      folder: @escaping @Sendable (_ path: String) -> (isModel: Bool, hasOthers: Bool),
      file: @escaping @Sendable (_ name: String, _ beside: Set<String>) -> Kind
    ) {
      (self.folder, self.file) = (folder, file)
    }
  }

  /// The paths of all models, relative to the folder; `.` for the folder itself.
  package private(set) var models: [String] = []

  /// How many files were left out.
  package private(set) var strays: [String] = []

  private let root: String
  private let knowledge: Knowledge
  /// What is not looked into: where the batch writes.
  private let excluded: Set<FileIdentity>

  /// More folders within each other than anybody makes.
  private static let deepest = 64

  /// Looks through a folder and those in it; what begins with a dot is passed over, and links to folders.
  ///
  /// - Parameter output: where the batch writes, which may be the folder itself.
  /// - Throws: `InputError` where the folder cannot be read, or models would be taken for what the batch has written.
  package init(of path: String, excluding output: RecordFolder, knowledge: Knowledge)
    throws(InputError)
  {
    self.init(path, excluding: [output.path] + output.own, knowledge: knowledge)
    if let foreign = try output.foreignModel(knowledge: knowledge, source: path) {
      throw InputError(
        .badData, path: foreign, "is in a folder that this batch writes to",
        place: "another --output was expected")
    }
    try look(into: "", depth: 0)
  }

  /// Begins to look through a folder.
  private init(_ path: String, excluding folders: [String], knowledge: Knowledge) {
    root = path.hasSuffix("/") ? path : path + "/"
    self.knowledge = knowledge
    excluded = Set(folders.compactMap { FileStamp(path: $0)?.identity })
  }

  /// All models in a folder, whatever made them.
  fileprivate static func models(in path: String, knowledge: Knowledge) throws(InputError)
    -> [String]
  {
    var items = FolderItems(path, excluding: [], knowledge: knowledge)
    try items.look(into: "", depth: 0)
    return items.models
  }

  private mutating func look(into folder: String, depth: Int) throws(InputError) {
    let path = root + folder
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw InputError(.unreadable, path: path, "cannot be read as a folder")
    }
    let whole = knowledge.folder(path)
    if whole.isModel { models.append(folder.isEmpty ? "." : String(folder.dropLast())) }
    guard !whole.isModel || whole.hasOthers else { return }
    let beside = Set(names)
    for name in names.sorted() where !name.hasPrefix(".") {
      let place = folder + name
      if FileStamp.isFolder(root + place) {
        let isOutput = FileStamp(path: root + place).map { excluded.contains($0.identity) } ?? false
        guard !isOutput, depth < Self.deepest, !FileStamp.isLink(root + place) else { continue }
        try look(into: place + "/", depth: depth + 1)
      } else if !whole.isModel {
        if knowledge.file(name, beside) == .model {
          models.append(place)
        } else {
          strays.append(place)
        }
      }
    }
  }
}

extension RecordFolder {
  /// A model in a folder of the batch's own that it cannot have made, where its items come from the folder around it; `nil`
  /// where there is none.
  fileprivate func foreignModel(
    knowledge: FolderItems.Knowledge, source: String
  ) throws(InputError) -> String? {
    if hasMade(source) { return source }
    guard FileStamp.isSame(path, source), FileStamp.isFolder(models) else { return nil }
    let found = try FolderItems.models(in: models, knowledge: knowledge)
    let isFirst = !FileStamp.isFolder(records)
    return found.first { isFirst || !$0.hasSuffix(".rnw") }.map { "\(models)/\($0)" }
  }
}
