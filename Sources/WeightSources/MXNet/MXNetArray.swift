import Files
import Tensors

/// One array of a list as it stands in the file: its type and shape, and where its elements lie.
///
/// There are four forms. The oldest begins with the number of its dimensions, each of 32 bits; the others with a mark,
/// after which V2 and V3 say how the elements are stored, and the dimensions have 64 bits. Then the device follows on
/// which the array was, and the type. An array without dimensions has nothing more; only in V3 is it a scalar.
struct MXNetArray {
  /// `V0` … `V3`.
  let form: String
  /// The elements; `nil` of an array without a shape.
  let content: (dtype: DType, shape: Shape, offset: Int)?

  init(_ cursor: inout MXNetCursor, number: Int) throws(InputError) {
    let mark = try cursor.read(UInt32.self)
    let sizes: [Int]?
    switch mark {
    case 0xF993_FAC8:
      form = "V1"
      sizes = try cursor.readSizes(count: try cursor.read(UInt32.self), number: number)
    case 0xF993_FAC9:
      form = "V2"
      try cursor.requireDense(number: number)
      sizes = try cursor.readSizes(count: try cursor.read(UInt32.self), number: number)
    case 0xF993_FACA:
      form = "V3"
      try cursor.requireDense(number: number)
      let rank = Int32(bitPattern: try cursor.read(UInt32.self))
      sizes =
        rank == 0
        ? [] : try cursor.readSizes(count: rank < 0 ? 0 : UInt32(rank), number: number)
    default:
      form = "V0"
      sizes = try cursor.readSmallSizes(count: mark, number: number)
    }
    // In V3 a negative size stands for one that is not known yet.
    guard let sizes, !sizes.contains(where: { $0 < 0 }) else {
      content = nil
      return
    }
    guard let shape = Shape(validating: sizes) else {
      throw cursor.fault("has an array of an impossible shape", number)
    }
    _ = try cursor.read(UInt64.self)
    let type = try cursor.read(UInt32.self)
    guard let dtype = Self.types[type] else {
      throw cursor.fault("has an array of the unknown type \(type)", number)
    }
    let info = TensorInfo(name: "", dtype: dtype, shape: shape)
    let offset = cursor.offset
    guard let count = info.byteCount, cursor.skip(count) else {
      throw cursor.fault("is cut off: an array of \(shape) ends beyond its end", number)
    }
    content = (dtype, shape, offset)
  }

  /// The numbers that stand for types.
  private static let types: [UInt32: DType] = [
    0: .float32, 1: .float64, 2: .float16, 3: .uint8, 4: .int32, 5: .int8, 6: .int64, 7: .bool,
    8: .int16, 9: .uint16, 10: .uint32, 11: .uint64, 12: .bfloat16,
  ]
}

/// A place in a mapped file; every read is checked against what is left.
struct MXNetCursor {
  private let file: MappedFile
  private(set) var offset = 0

  init(_ file: MappedFile) {
    self.file = file
  }

  var isAtEnd: Bool { offset == file.count }

  mutating func read<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type
  ) throws(InputError) -> Value {
    let width = Value.bitWidth / 8
    guard let bytes = file.bytes(at: offset, count: width) else {
      throw InputError(.badData, path: file.path, "is cut off", place: "byte \(offset)")
    }
    offset += width
    return bytes.reversed().reduce(0) { $0 << 8 | Value($1) }
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= file.count - offset else { return false }
    offset += count
    return true
  }

  /// Sizes of 64 bits; `nil` where there are none, which stands for an array without a shape.
  mutating func readSizes(count: UInt32, number: Int) throws(InputError) -> [Int]? {
    try requireRank(count, number: number)
    var sizes: [Int] = []
    for _ in 0..<count { sizes.append(Int(Int64(bitPattern: try read(UInt64.self)))) }
    return sizes.isEmpty ? nil : sizes
  }

  /// The same of 32 bits.
  mutating func readSmallSizes(count: UInt32, number: Int) throws(InputError) -> [Int]? {
    try requireRank(count, number: number)
    var sizes: [Int] = []
    for _ in 0..<count { sizes.append(Int(try read(UInt32.self))) }
    return sizes.isEmpty ? nil : sizes
  }

  private func requireRank(_ count: UInt32, number: Int) throws(InputError) {
    guard count <= Shape.maximumRank else {
      throw fault("has an array of \(count) dimensions", number)
    }
  }

  /// Passes over how the elements are stored, where it is one after the other.
  mutating func requireDense(number: Int) throws(InputError) {
    guard try read(UInt32.self) == 0 else {
      throw fault("has an array that is stored sparsely", number)
    }
  }

  /// The names after the arrays: as many as those.
  mutating func readNames(count: Int) throws(InputError) -> [String] {
    let found = try read(UInt64.self)
    guard found == count else {
      throw InputError(
        .badData, path: file.path,
        found == 0
          ? "is a list of arrays without names" : "has another number of names than of arrays",
        place: "\(found) names, \(count) arrays",
        hint: found == 0 ? "save it by save_parameters, or nd.save of a dictionary" : nil)
    }
    var names: [String] = []
    for _ in 0..<count {
      let length = try read(UInt64.self)
      guard length <= Self.longestName,
        let bytes = file.bytes(at: offset, count: Int(length)),
        let name = String(validating: bytes, as: UTF8.self)
      else {
        throw InputError(.badData, path: file.path, "has a damaged name", place: "byte \(offset)")
      }
      offset += bytes.count
      names.append(name)
    }
    return names
  }

  func fault(_ problem: String, _ number: Int) -> InputError {
    InputError(
      .badData, path: file.path, problem, place: "array \(number) from 0, before byte \(offset)")
  }

  private static let longestName: UInt64 = 1 << 16
}
