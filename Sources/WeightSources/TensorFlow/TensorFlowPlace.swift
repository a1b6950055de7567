import Files
import FoundationEssentials

/// Where the index of a checkpoint is that a path means: the index itself, the beginning of its name, one of its files of
/// data, the file `checkpoint` beside it, its folder, or that of a SavedModel.
enum TensorFlowPlace {
  /// The path of the index; `nil` where the path means no checkpoint.
  ///
  /// - Throws: `InputError` for a folder of several checkpoints of which none is said to be the last.
  static func index(of path: String) throws -> String? {
    if FileStamp.isFolder(path) { return try index(inFolder: path) }
    let (folder, name) = path.folderAndName
    if exists(path) {
      if name.hasSuffix(".index") { return path }
      if let match = name.firstMatch(of: #/\.data-[0-9]{5}-of-[0-9]{5}$/#) {
        return existing("\(folder)\(name[..<match.range.lowerBound]).index")
      }
      if name == "checkpoint" { return index(namedBy: path, in: folder) }
      if name == "saved_model.pb" { return existing("\(folder)variables/variables.index") }
      return nil
    }
    return existing("\(path).index")
  }

  /// What TF-Keras has written of the model whose SavedModel an index is within; `nil` where that is not there.
  static func kerasMetadata(of index: String) -> String? {
    let (variables, name) = index.folderAndName
    let (folder, within) = String(variables.dropLast()).folderAndName
    guard name == "variables.index", within == "variables" else { return nil }
    return existing(folder + SavedModelMetadata.fileName)
  }

  private static func index(inFolder path: String) throws -> String? {
    let folder = path.hasSuffix("/") ? path : path + "/"
    if let index = existing("\(folder)variables/variables.index") { return index }
    if exists("\(folder)checkpoint"),
      let index = index(namedBy: "\(folder)checkpoint", in: folder)
    {
      return index
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let indexes = names.filter { $0.hasSuffix(".index") }.sorted()
    guard indexes.count < 2 else {
      throw InputError(
        .badData, path: path, "is a folder of several checkpoints",
        place: indexes.prefix(4).joined(separator: ", "),
        hint: "give the index of one: \(folder)\(indexes[0])")
    }
    return indexes.first.map { folder + $0 }
  }

  /// The checkpoint beside a file `checkpoint` that it names as the last one; the folder that it names may be of old.
  private static func index(namedBy path: String, in folder: String) -> String? {
    guard let file = try? MappedFile(path: path),
      let bytes = file.bytes(at: 0, count: min(file.count, 1 << 16))
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard
      let match = text.firstMatch(of: #/(?:^|\n)model_checkpoint_path: "([^"\n]+)"/#)
    else { return nil }
    let name = String(match.1).folderAndName.name
    return existing("\(folder)\(name).index")
  }

  private static func existing(_ path: String) -> String? { exists(path) ? path : nil }

  private static func exists(_ path: String) -> Bool {
    FileStamp(path: path) != nil && !FileStamp.isFolder(path)
  }
}
