import Files
import Tensors

/// The files beside a model that hold its tensors.
///
/// A model names them: only files of its own folder are opened, and no link that leads out of it.
struct ONNXExternalFiles {
  private let model: String
  private let copying: Bool
  private let isAllowed: Bool
  private var opened: [String: MappedFile] = [:]
  private var used: [String: Int] = [:]

  /// The files in the order in which they were opened.
  private(set) var files: [MappedFile] = []

  init(model: String, copying: Bool, isAllowed: Bool) {
    self.model = model
    self.copying = copying
    self.isAllowed = isAllowed
  }

  /// The values of a tensor, wherever they are.
  mutating func data(of tensor: ONNXTensor) throws -> TensorData {
    switch tensor.content {
    case .data(let data): return data
    case .external(let dtype, let shape, let location, let offset, let length):
      let file = try file(location, of: tensor.name)
      guard let data = TensorData(dtype: dtype, shape: shape, file: file, offset: offset) else {
        throw InputError(
          .badData, path: file.path, "is cut off: a tensor ends beyond its end", place: tensor.name)
      }
      // Two tensors may be the same bytes, but not all the bytes again and again.
      used[location, default: 0] += length
      guard used[location, default: 0] <= 2 * file.count else {
        throw InputError(
          .badData, path: model, "declares more data than its files hold", place: tensor.name)
      }
      return data
    }
  }

  private mutating func file(_ location: String, of tensor: String) throws -> MappedFile {
    if let file = opened[location] { return file }
    guard location.isFileName else {
      throw InputError(
        .badData, path: model, "keeps a tensor in a file that is not in its own folder",
        place: "\(tensor): '\(location)'; the name of a file beside the model was expected")
    }
    guard isAllowed, files.count < 1000 else {
      throw InputError(
        .badData, path: model, "keeps its tensors in other files", place: "\(tensor): \(location)")
    }
    let folder = model.folderAndName.folder
    let path = folder + location
    guard FileStamp.isWithin(path, folder: folder.isEmpty ? "." : folder) else {
      throw InputError(
        FileStamp(path: path) == nil ? .unreadable : .badData, path: path,
        FileStamp(path: path) == nil
          ? "no such file" : "is a link that leads out of the model's folder",
        place: "\(model.lastName) keeps \(tensor) in it",
        reason: FileStamp(path: path) == nil ? .missing : nil)
    }
    let file = try MappedFile(path: path, copying: copying)
    opened[location] = file
    files.append(file)
    return file
  }
}
