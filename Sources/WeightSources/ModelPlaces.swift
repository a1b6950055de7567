import Files
import FoundationEssentials

/// Which of many files and folders are models, told without opening what strangers have made: by names alone.
package enum ModelPlaces {
  /// Whether a folder as a whole is a model, and whether others may be in the folders in it.
  package static func folder(_ path: String) -> (isModel: Bool, hasOthers: Bool) {
    let folder = path.hasSuffix("/") ? path : path + "/"
    if FileStamp(path: folder + "saved_model.pb") != nil
      || FileStamp(path: folder + "variables/variables.index") != nil
    {
      return (true, false)
    }
    return (ModelFolder.place(of: path) != nil || StateFolder.places(of: path) != nil, true)
  }

  /// Whether a file is opened as a model.
  ///
  /// - Parameter beside: the names of all files in its folder.
  package static func isModel(_ name: String, beside: Set<String>) -> Bool {
    let small = name.lowercased()
    if isPart(name) || beside.contains(name + ".index") { return false }
    // A checkpoint of several files with an index of JSON.
    if small.hasSuffix(".safetensors.index.json") || small.hasSuffix(".bin.index.json") {
      return true
    }
    return WeightFile.endings.contains {
      small.hasSuffix(".\($0)") && small.utf8.count > $0.utf8.count + 1
    }
  }

  /// Whether a file is one of several that an index lists.
  private static func isPart(_ name: String) -> Bool {
    let ending = [".safetensors", ".bin"].first(where: name.hasSuffix) ?? ""
    // An expression would be compiled anew for each of thousands of names.
    let end = name.dropLast(ending.count).utf8.suffix(15)
    return end.count == 15
      && zip(end, "-00000-of-00000".utf8).allSatisfy { byte, pattern in
        pattern == UInt8(ascii: "0") ? (0x30...0x39).contains(byte) : byte == pattern
      }
  }

  /// The files that belong to the one by which a model is opened, as far as their names tell: an index's parts.
  package static func companions(of path: String) -> [String] {
    let (folder, name) = path.folderAndName
    let stem: Substring
    var others: [String] = []
    if name.hasSuffix(".index") {
      stem = name.dropLast(".index".count) + ".data-"
    } else if name.hasSuffix(".index.json") {
      // model.safetensors.index.json lists model-00001-of-00002.safetensors.
      stem = (name.split(separator: ".").first ?? "") + "-"
      others = ["config.json"].filter { FileStamp(path: folder + $0) != nil }
    } else {
      return []
    }
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
    return (others + names.filter { $0.hasPrefix(stem) && isPart($0) }.sorted()).map { folder + $0 }
  }
}
