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
  private let excluded: FileIdentity?

  /// More folders within each other than anybody makes.
  private static let deepest = 64

  /// Looks through a folder and those in it; what begins with a dot is passed over, and links to folders.
  package init(of path: String, excluding output: String, knowledge: Knowledge) throws(InputError) {
    root = path.hasSuffix("/") ? path : path + "/"
    self.knowledge = knowledge
    excluded = FileStamp(path: output)?.identity
    try look(into: "", depth: 0)
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
        let isKnown = FileStamp(path: root + place)?.identity == excluded
        guard !isKnown, depth < Self.deepest, !FileStamp.isLink(root + place) else { continue }
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
