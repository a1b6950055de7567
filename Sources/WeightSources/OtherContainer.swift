import Files
import FoundationEssentials
import Tensors

/// Folders and archives that hold a model in a form that is not read, or the file that is meant.
enum OtherContainer {
  /// Why a folder is not read.
  static func refusal(ofFolder path: String) -> InputError {
    let names = Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
    func refusal(_ problem: String, _ hint: String) -> InputError {
      InputError(.badData, path: path, problem, place: "a file was expected", hint: hint)
    }
    if names.contains("saved_model.pb") {
      return refusal(
        "is the folder of a TensorFlow SavedModel without variables",
        "load it in Python (tf_keras.models.load_model) and save it by model.save('model.h5')")
    }
    if names.contains("Manifest.json"), names.contains("Data") {
      return refusal(
        "is a Core ML package", "convert the .h5, .keras or .pth file that it was made from")
    }
    if names.contains("checkpoint") {
      return refusal(
        "is the folder of a TensorFlow checkpoint that is not there",
        "the files .index and .data-00000-of-00001 must be in it")
    }
    if names.contains("data.pkl") {
      return refusal(
        "is an unpacked PyTorch checkpoint", "give the .pth file, or pack the folder again")
    }
    // An index means all of its parts, each of which alone is not the model.
    let index = names.filter { $0.hasSuffix(".index.json") }.min()
    if let file = index ?? names.filter(isWeights).min() {
      return refusal("is a folder", "give the file: \(path)/\(file)")
    }
    return InputError(
      .unreadable, path: path, "is a directory", place: "a file was expected")
  }

  /// Why an archive of an unknown kind is not read.
  static func refusal(of archive: ZipArchive) -> InputError {
    let names = archive.members.map(\.name)
    guard !names.isEmpty else {
      return InputError(
        .badData, path: archive.file.path, "is an empty zip archive", place: "it has no members")
    }
    func refusal(_ problem: String, _ hint: String) -> InputError {
      InputError(.badData, path: archive.file.path, problem, place: names.first, hint: hint)
    }
    if names.contains(where: { $0.hasSuffix("saved_model.pb") }) {
      return refusal(
        "is a zip archive of a TensorFlow SavedModel",
        "load it in Python and save it by model.save('model.keras')")
    }
    if names.contains(where: { $0.contains("com.apple.CoreML") }) {
      return refusal(
        "is a zip archive of a Core ML package",
        "convert the .h5, .keras or .pth file that it was made from")
    }
    if names.contains(where: { $0.hasSuffix("archive_format") || $0.hasSuffix("model.json") }) {
      return refusal(
        "is an exported program of PyTorch, not weights",
        "in Python: torch.save(model.state_dict(), 'weights.pth')")
    }
    if let file = names.first(where: isWeights) {
      return refusal("is a zip archive of other files", "unpack it and give \(file)")
    }
    return InputError(
      .badData, path: archive.file.path, "is a zip archive of an unknown kind",
      place: "a .keras, .npz or .pth archive was expected")
  }

  /// Whether a pickle of protocol 2 to 5 begins at a place of a file.
  static func isPickle(_ file: MappedFile, at offset: Int = 0) -> Bool {
    guard let start = file.bytes(at: offset, count: 3) else { return false }
    return start[0] == 0x80 && (2...5).contains(start[1])
  }

  private static func isWeights(_ name: String) -> Bool {
    WeightFile.endings.contains { name.hasSuffix(".\($0)") }
  }
}
