import Tensors

/// What the two forms of TensorFlow's checkpoints share.
enum TensorFlowTypes {
  /// The numbers that stand for types whose elements are numbers.
  static let numbers: [Int: DType] = [
    1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool,
    14: .bfloat16, 17: .uint16, 19: .float16, 22: .uint32, 23: .uint64,
  ]

  /// The number of texts.
  static let text = 7

  /// A shape as a message; `nil` where it is damaged or not known.
  static func shape(_ message: ArraySlice<UInt8>) -> Shape? {
    guard let fields = ProtocolBuffer.fields(message) else { return nil }
    var sizes: [Int] = []
    for (field, value) in fields {
      switch field {
      case 2:
        guard let size = value.slice.flatMap(size), sizes.count < Shape.maximumRank else {
          return nil
        }
        sizes.append(size)
      case 3 where value.count != 0: return nil
      default: break
      }
    }
    return Shape(validating: sizes)
  }

  private static func size(_ message: ArraySlice<UInt8>) -> Int? {
    guard let fields = ProtocolBuffer.fields(message) else { return nil }
    // A size of 0 is left out.
    return fields.last { $0.field == 1 }.map(\.value.count) ?? 0
  }
}
