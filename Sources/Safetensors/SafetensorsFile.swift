public import Tensors

/// A `.safetensors` file, mapped: every tensor is used where it lies.
public struct SafetensorsFile: WeightSource {
  /// `safetensors`.
  public let container = "safetensors"

  /// The path by which the file was opened.
  public let path: String

  /// The tensors in the order of their data.
  public let tensors: [TensorInfo]

  /// The file's `__metadata__`.
  public let metadata: [String: String]

  /// The file itself.
  public var files: [SourceFile] { [SourceFile(file)] }

  private let file: MappedFile
  private let ranges: [String: SafetensorsHeader.Entry]

  /// Checks and opens a mapped file.
  ///
  /// - Throws: `InputError` for the first rule of the format that is broken.
  package init(_ file: MappedFile) throws {
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(file)
    } catch let fault {
      throw InputError(.badData, path: file.path, fault.problem, place: fault.place)
    }
    self.file = file
    path = file.path
    tensors = header.entries.map(\.info)
    metadata = header.metadata
    ranges = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.info.name, $0) })
  }

  /// Gives one tensor; nothing is copied.
  public func tensor(named name: String) throws -> TensorData {
    guard let entry = ranges[name],
      let data = TensorData(
        dtype: entry.info.dtype, shape: entry.info.shape, file: file,
        offset: entry.range.lowerBound)
    else { throw InputError(.badData, path: path, "has no tensor of this name", place: name) }
    return data
  }
}
