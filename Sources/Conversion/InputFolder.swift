import Files
import FoundationEssentials
import Tensors

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

  /// The last part of a path.
  static func name(of path: String) -> String { path.lastName }
}
