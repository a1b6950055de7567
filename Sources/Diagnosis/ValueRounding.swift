import Comparison
import Tensors

/// A way in which the values of one tensor were rounded.
enum ValueRounding: CaseIterable {
  case float16
  case bfloat16
  case bfloat16Truncated
  case int8
  case int8WithOneScale

  static var all: [ValueRounding] { allCases }

  /// What was done, following "is".
  var explanation: String {
    switch self {
    case .float16: "rounded to float16"
    case .bfloat16: "rounded to bfloat16"
    case .bfloat16Truncated: "cut off to bfloat16, not rounded"
    case .int8: "rounded to int8 with a scale for each output channel"
    case .int8WithOneScale: "rounded to int8 with one scale for the whole tensor"
    }
  }

  /// The values after rounding, as float32; `nil` where they cannot be rounded.
  func rounded(_ tensor: TensorData) -> TensorData? {
    switch self {
    case .float16: return try? tensor.asFloat32().rounded(to: .float16).asFloat32()
    case .bfloat16: return try? tensor.asFloat32().rounded(to: .bfloat16).asFloat32()
    case .int8: return try? tensor.asFloat32().rounded(to: .int8).asFloat32()
    case .bfloat16Truncated:
      return TensorData(
        shape: tensor.shape,
        values: tensor.floats().map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) })
    case .int8WithOneScale:
      let values = tensor.floats()
      let step = Double(values.map(\.magnitude).max() ?? 0) / 127
      guard step > 0, step.isFinite else { return nil }
      return TensorData(
        shape: tensor.shape,
        values: values.map { Float((Double($0) / step).rounded(.toNearestOrEven) * step) })
    }
  }

  /// How far a value may be from what it was rounded from.
  private func spacing(at value: Float, largest: Float) -> Double {
    switch self {
    case .float16: max(Double(value.magnitude.binade) / 1024, 0x1p-24) / 2
    case .bfloat16: Double(value.magnitude.binade) / 128 / 2
    case .bfloat16Truncated: Double(value.magnitude.binade) / 128
    case .int8, .int8WithOneScale: Double(largest) / 127 / 2
    }
  }

  /// The rounding that makes the one tensor of the other; `nil` where none does.
  ///
  /// - Parameter tolerance: how exact the right values are, in units of the largest.
  init?(from right: [Float], to found: [Float], shape: Shape, tolerance: Double) {
    let tensor = TensorData(shape: shape, values: right)
    let largest = right.map(\.magnitude).max() ?? 0
    let slack = tolerance * Double(largest)
    for rounding in Self.allCases {
      if slack > 1e-6 * Double(largest) {
        // Values that are not known to the last bit may round to the next one.
        guard rounding.holds(found) else { continue }
        let agree = zip(found, right).allSatisfy { found, right in
          (Double(found) - Double(right)).magnitude
            <= 1.01 * rounding.spacing(at: found, largest: largest) + slack
        }
        if agree {
          self = rounding
          return
        }
      } else if let expected = rounding.rounded(tensor)?.floats(),
        zip(expected, found).allSatisfy({ ($0 - $1).magnitude <= 2e-7 * max(largest, 1e-30) })
      {
        self = rounding
        return
      }
    }
    return nil
  }

  /// Whether all values are ones that this rounding gives.
  func holds(_ values: [Float]) -> Bool {
    let largest = values.map(\.magnitude).max() ?? 0
    guard largest > 0, largest.isFinite else { return false }
    switch self {
    case .float16:
      return rounded(TensorData(shape: [values.count], values: values))?.floats() == values
    case .bfloat16, .bfloat16Truncated:
      return values.allSatisfy { $0.bitPattern & 0xFFFF == 0 }
    case .int8WithOneScale:
      let step = Double(largest) / 127
      return values.allSatisfy {
        let count = Double($0) / step
        return (count - count.rounded()).magnitude <= 1e-4
      }
    case .int8:
      return false
    }
  }

  /// The variance of what rounding has done to a value, where that is spread evenly.
  func noise(at value: Float, largest: Float) -> Double {
    let step = spacing(at: value, largest: largest) * (self == .bfloat16Truncated ? 1 : 2)
    return step * step / (self == .bfloat16Truncated ? 3 : 12)
  }
}
