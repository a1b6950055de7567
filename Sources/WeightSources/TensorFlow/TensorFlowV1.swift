package import Files
package import Tensors

/// The tensors of a TensorFlow checkpoint of the first form: a single file (`.ckpt`), as TensorFlow wrote it until 2017.
package struct TensorFlowV1: WeightSource {
  /// `tf-checkpoint-v1`.
  package let container = "tf-checkpoint-v1"

  /// The path by which the file was opened.
  package let path: String

  /// The tensors in the order of the file's description.
  package let tensors: [TensorInfo]

  /// Empty: the file says nothing else of itself.
  package let metadata: [String: String] = [:]

  /// The file itself.
  package var files: [SourceFile] { [SourceFile(file)] }

  private let file: MappedFile
  private let stored: [String: (info: TensorInfo, value: V1Value)]

  /// Checks and opens a mapped file; the checksums of all blocks are verified.
  init(_ file: MappedFile) throws {
    self.file = file
    path = file.path
    var listed: [TensorInfo] = []
    var places: [String: Int] = [:]
    var stored: [String: (info: TensorInfo, value: V1Value)] = [:]
    var isFirst = true
    func damaged(_ place: String) -> InputError {
      InputError(.badData, path: file.path, "has a damaged entry", place: place)
    }
    try SortedTable(file).forEachEntry { entry in
      guard let fields = ProtocolBuffer.fields(entry.value) else { throw damaged("not a message") }
      if isFirst {
        isFirst = false
        guard entry.key.isEmpty, let list = fields.first(where: { $0.field == 1 })?.value.slice
        else {
          throw InputError(
            .badData, path: file.path, "is a table that is no checkpoint of TensorFlow's",
            place: "a list of tensors was expected first", reason: .unknownContainer)
        }
        listed = try Self.list(list, path: file.path)
        for (place, tensor) in listed.enumerated() { places[tensor.name] = place }
        return
      }
      guard let slice = fields.first(where: { $0.field == 2 })?.value.slice,
        let parts = ProtocolBuffer.fields(slice),
        let name = parts.first(where: { $0.field == 1 })?.value.text,
        let data = parts.first(where: { $0.field == 3 })?.value.slice
      else { throw damaged("a tensor without a name or data") }
      guard let tensor = places[name].map({ listed[$0] }) else { throw damaged(name) }
      guard let value = V1Value(data, of: tensor, origin: entry.origin) else {
        throw InputError(
          .badData, path: file.path, "has a tensor whose data does not fit its type and shape",
          place: name)
      }
      guard stored.updateValue((tensor, value), forKey: name) == nil else {
        throw InputError(.badData, path: file.path, "has two tensors of one name", place: name)
      }
    }
    if let missing = listed.first(where: { stored[$0.name] == nil }) {
      throw InputError(
        .badData, path: file.path, "lists a tensor that it does not hold", place: missing.name)
    }
    tensors = listed
    self.stored = stored
  }

  /// Gives one tensor; what stands in the file as it is needed is not copied.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let (info, value) = stored[name] else {
      throw .noTensor(name, in: path)
    }
    switch value {
    case .bytes(let bytes): return TensorData(dtype: info.dtype, shape: info.shape, bytes: bytes)
    case .place(let offset):
      guard
        let data = TensorData(dtype: info.dtype, shape: info.shape, file: file, offset: offset)
      else { throw InputError(.badData, path: path, "is cut off", place: name) }
      return data
    }
  }

  /// What the first entry lists: names, shapes and types, each tensor whole.
  private static func list(_ message: ArraySlice<UInt8>, path: String) throws -> [TensorInfo] {
    var tensors: [TensorInfo] = []
    var names: Set<String> = []
    for (field, value) in ProtocolBuffer.fields(message) ?? [] where field == 1 {
      let fields = value.slice.flatMap(ProtocolBuffer.fields) ?? []
      guard let name = fields.first(where: { $0.field == 1 })?.value.text,
        let type = fields.first(where: { $0.field == 3 })?.value.count,
        let shape = TensorFlowTypes.shape(
          fields.first { $0.field == 2 }?.value.slice ?? [])
      else { throw InputError(.badData, path: path, "has a damaged list of tensors") }
      guard let dtype = TensorFlowTypes.numbers[type] else {
        throw InputError(
          .badData, path: path, "has a tensor of the type \(type), which is not read", place: name)
      }
      guard fields.count(where: { $0.field == 4 }) < 2 else {
        throw InputError(
          .badData, path: path, "holds tensors in parts (partitioned variables)", place: name,
          hint: "load it in Python and save it whole")
      }
      guard names.insert(name).inserted else {
        throw InputError(.badData, path: path, "has two tensors of one name", place: name)
      }
      tensors.append(TensorInfo(name: name, dtype: dtype, shape: shape))
    }
    return tensors
  }
}

/// The elements of one tensor as a message holds them.
private enum V1Value {
  /// In the file, one after the other.
  case place(Int)
  case bytes([UInt8])

  /// - Parameters:
  ///   - message: a `TensorProto`.
  ///   - origin: where the message's index 0 would stand in the file; `nil` in a compressed block.
  init?(_ message: ArraySlice<UInt8>, of tensor: TensorInfo, origin: Int?) {
    guard let size = tensor.byteCount, let fields = ProtocolBuffer.fields(message) else {
      return nil
    }
    // Types of four and eight bytes of floating point, and whole contents, stand as they are.
    let plain = [DType.float32: 5, .float64: 6][tensor.dtype]
    let slices = fields.filter { $0.field == plain || $0.field == 4 }.map(\.value.slice)
    if !slices.isEmpty {
      guard slices.count == 1, let slice = slices[0], slice.count == size else { return nil }
      self = origin.map { .place($0 + slice.startIndex) } ?? .bytes(Array(slice))
      return
    }
    // All others are numbers of variable length.
    let packed: Int
    switch tensor.dtype {
    case .float16, .bfloat16: packed = 13
    case .int64: packed = 10
    case .bool: packed = 11
    case .uint32: packed = 16
    case .uint64: packed = 17
    default: packed = 7
    }
    var bytes: [UInt8] = []
    for (field, value) in fields where field == packed {
      guard let slice = value.slice else { return nil }
      var reader = ProtocolBuffer(slice)
      while !reader.isAtEnd {
        guard let number = reader.readNumber(), bytes.count < size else { return nil }
        for byte in 0..<tensor.dtype.byteWidth {
          bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * byte)))
        }
      }
    }
    guard bytes.count == size else { return nil }
    self = .bytes(bytes)
  }
}
