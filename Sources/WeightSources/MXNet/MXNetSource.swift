package import Files
package import Tensors

/// The arrays of a file of MXNet's parameters (`.params`), as `save_parameters`, `export` and `nd.save` write it.
///
/// The names are the file's own, with the `arg:` and `aux:` of an exported model.
package struct MXNetSource: WeightSource {
  /// `mxnet-params`.
  package let container = "mxnet-params"

  /// The path by which the file was opened.
  package var path: String { file.path }

  /// The arrays in the order of the file.
  package let tensors: [TensorInfo]

  /// `mxnet.records`: in which forms the arrays are stored, such as `V2`.
  package let metadata: [String: String]

  /// The file itself.
  package var files: [SourceFile] { [SourceFile(file)] }

  private let file: MappedFile
  private let stored: [String: (info: TensorInfo, offset: Int)]

  /// Whether a file is one of MXNet's lists of arrays.
  static func isMXNet(_ file: MappedFile) -> Bool {
    file.bytes(at: 0, count: 8) == [0x12, 0x01, 0, 0, 0, 0, 0, 0]
  }

  /// Checks and opens a mapped file.
  ///
  /// - Throws: `InputError` for the first rule of the format that is broken.
  init(_ file: MappedFile) throws(InputError) {
    var cursor = MXNetCursor(file)
    // After the mark of a list there are eight bytes without a meaning so far.
    _ = try cursor.read(UInt64.self)
    _ = try cursor.read(UInt64.self)
    let count = try cursor.read(UInt64.self)
    var arrays: [MXNetArray] = []
    // Each array has at least four bytes: a count that lies ends at the end of the file.
    var left = count
    while left > 0 {
      arrays.append(try MXNetArray(&cursor, number: arrays.count))
      left -= 1
    }
    let names = try cursor.readNames(count: arrays.count)
    guard cursor.isAtEnd else {
      throw InputError(
        .badData, path: file.path, "has bytes after its last name", place: "byte \(cursor.offset)")
    }
    var stored: [String: (info: TensorInfo, offset: Int)] = [:]
    var tensors: [TensorInfo] = []
    for (name, array) in zip(names, arrays) {
      // An array that was never given a shape is listed all the same.
      guard let content = array.content else {
        throw InputError(
          .badData, path: file.path, "has an array without a shape", place: name,
          hint: "the network was saved before it was initialised")
      }
      let info = TensorInfo(name: name, dtype: content.dtype, shape: content.shape)
      guard stored.updateValue((info, content.offset), forKey: name) == nil else {
        throw InputError(.badData, path: file.path, "has two arrays of one name", place: name)
      }
      tensors.append(info)
    }
    self.file = file
    self.tensors = tensors
    self.stored = stored
    let forms = Set(arrays.map(\.form)).sorted().joined(separator: ", ")
    metadata = forms.isEmpty ? [:] : ["mxnet.records": forms]
  }

  /// Gives one array; nothing is copied.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let (info, offset) = stored[name],
      let data = TensorData(dtype: info.dtype, shape: info.shape, file: file, offset: offset)
    else {
      throw .noTensor(name, in: path)
    }
    return data
  }
}
