import Files
import Tensors

/// A tensor of an ONNX file: what it is, and where its values are.
struct ONNXTensor {
  var name = ""
  private(set) var content = Content.data(TensorData(dtype: .uint8, shape: [0], bytes: []))

  /// Where the values are.
  enum Content {
    /// In the file of the model.
    case data(TensorData)
    /// In a file beside it, which is opened later.
    case external(dtype: DType, shape: Shape, location: String, offset: Int, length: Int)
  }

  /// Reads a description and checks it against the values that are there.
  init(_ bytes: FileBytes, _ fields: ONNXFields) throws(InputError) {
    let message = "a tensor"
    var dimensions: [Int] = []
    var type = 0
    var raw: FileBytes?
    var typed: [Int: [ONNXFields.Value]] = [:]
    var external: [String: String] = [:]
    var isExternal = false
    for (field, value) in try fields.fields(bytes, of: message) {
      switch field {
      case 1: dimensions += try fields.integers(value, message)
      case 2: type = try fields.integer(value, message)
      case 4, 5, 7, 10, 11: typed[field, default: []].append(value)
      case 8: name = try fields.text(value, message)
      case 9: raw = try fields.slice(value, message)
      case 13:
        var entry = ["", ""]
        for (field, part) in try fields.fields(try fields.slice(value, message), of: message)
        where field == 1 || field == 2 {
          entry[field - 1] = try fields.text(part, message)
        }
        external[entry[0]] = entry[1]
      case 14: isExternal = try fields.integer(value, message) == 1
      case 3: throw Self.fault(fields.path, "has a tensor in segments", name)
      default: break
      }
    }
    guard let dtype = Self.types[type] else {
      throw Self.fault(
        fields.path, "has a tensor of a type that is not read", "\(name): type \(type)")
    }
    guard let shape = Shape(validating: dimensions),
      case let (size, overflow) = shape.elementCount.multipliedReportingOverflow(
        by: dtype.byteWidth), !overflow
    else {
      throw Self.fault(fields.path, "has a tensor with impossible dimensions", name)
    }
    if isExternal {
      guard let location = external["location"],
        let offset = Int(external["offset"] ?? "0"), offset >= 0,
        let length = Int(external["length"] ?? "\(size)"), length == size
      else {
        throw Self.fault(
          fields.path, "has a tensor whose place in another file is damaged",
          "\(name): \(size) bytes were expected")
      }
      content = .external(
        dtype: dtype, shape: shape, location: location, offset: offset, length: length)
      return
    }
    let data: TensorData?
    if let raw {
      data =
        raw.count == size
        ? TensorData(dtype: dtype, shape: shape, file: raw.file, offset: raw.startIndex) : nil
    } else {
      data = try Self.data(typed, dtype, shape, fields)
    }
    guard let data else {
      throw Self.fault(
        fields.path, "has a tensor with another number of values than its shape has",
        "\(name): \(shape) of \(dtype.name)")
    }
    content = .data(data)
  }

  /// Makes a tensor of a setting.
  init(name: String, _ data: TensorData) {
    self.name = name
    content = .data(data)
  }

  /// The standard's numbers of types.
  private static let types: [Int: DType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool,
    10: .float16, 11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16,
  ]

  /// The field that holds the values of a type where they are not bytes.
  private static func field(of type: DType) -> Int {
    switch type {
    case .float32: 4
    case .int64: 7
    case .float64: 10
    case .uint32, .uint64: 11
    default: 5
    }
  }

  /// Values that are written as numbers; `nil` where there are more or fewer than the shape has.
  private static func data(
    _ typed: [Int: [ONNXFields.Value]], _ dtype: DType, _ shape: Shape, _ fields: ONNXFields
  ) throws(InputError) -> TensorData? {
    let values = typed[field(of: dtype)] ?? []
    let width = dtype.byteWidth
    let isFixed = dtype == .float32 || dtype == .float64
    // Packed floats lie as they are used.
    if isFixed, values.count == 1, let slice = values[0].slice {
      guard slice.count == shape.elementCount * width else { return nil }
      return TensorData(dtype: dtype, shape: shape, file: slice.file, offset: slice.startIndex)
    }
    var bytes: [UInt8] = []
    for value in values {
      if isFixed, let slice = value.slice {
        bytes += slice
        continue
      }
      for number in try fields.integers(value, "a tensor") {
        let bits = UInt64(bitPattern: Int64(number))
        for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
      }
    }
    guard bytes.count == shape.elementCount * width else { return nil }
    return TensorData(dtype: dtype, shape: shape, bytes: bytes)
  }

  private static func fault(_ path: String, _ problem: String, _ place: String) -> InputError {
    InputError(.badData, path: path, problem, place: place)
  }
}
