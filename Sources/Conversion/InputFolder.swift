import Files
import FoundationEssentials
import Images
import Plain
import Tensors
import WeightSources

/// A folder of inputs.
enum InputFolder {
  /// The most files that are read.
  private static let maximumFiles = 1_000_000

  /// The files of a folder in the order of their names, those aside whose names begin with a dot; `nil`
  /// where the path is no folder.
  ///
  /// - Throws: `InputError` where the folder is empty or cannot be read.
  static func files(at path: String) throws -> [(path: String, name: String)]? {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else {
      return nil
    }
    guard let all = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw InputError(.unreadable, path: path, "cannot be listed")
    }
    let names = all.filter { !$0.hasPrefix(".") }.sorted {
      Array($0.utf8).lexicographicallyPrecedes($1.utf8)
    }
    guard (1...maximumFiles).contains(names.count) else {
      throw InputError(
        .badData, path: path, names.isEmpty ? "is an empty folder" : "has too many files",
        place: "arrays or images were expected")
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    return names.map { (folder + $0, $0) }
  }

  /// Whether a file of a folder is no input and says nothing else: neither an image nor an array by its content or by its name,
  /// as a list of classes is, or a folder.
  ///
  /// A damaged image is none by its content, but no stranger either.
  static func isStranger(_ path: String) -> Bool {
    var isFolder = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder {
      return true
    }
    let ending = path.lastName.split(separator: ".").last.map { $0.lowercased() } ?? ""
    guard !endings.contains(ending), let file = try? MappedFile(path: path),
      !ImageFile.isImage(file)
    else { return false }
    do {
      return try WeightFile.openArrays(file) == nil
    } catch {
      return false
    }
  }

  /// What is said of files that were passed over.
  static func remarks(passedOver names: [String], in path: String) -> [String] {
    guard let first = names.first else { return [] }
    let folder = "of the folder \(path.shortened) \(first.shortened)"
    guard names.count > 1 else {
      return ["\(folder) is no image and no array, and was passed over"]
    }
    return [
      "\(folder) and \(counted(names.count - 1, "other file")) are no image and no array, and were passed over"
    ]
  }

  private static let endings: Set<String> = ["npy", "npz", "png", "jpg", "jpeg"]

  /// The last part of a path.
  static func name(of path: String) -> String { path.lastName }
}
