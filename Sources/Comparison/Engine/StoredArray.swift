import Files
import Tensors

/// The values of an array that an engine wrote in a type of its own: float32, float16, bfloat16 as the bits in uint16, or
/// integers with a scale.
struct StoredArray: Sendable {
  let info: TensorInfo
  private let source: any WeightSource
  private let scale: TensorData?
  private let zeroPoint: TensorData?

  /// The names under which the scale and the zero point of an array stand beside it.
  static let scaleNames = [".scale", "_scale", "/scale"]
  static let zeroPointNames = [
    ".zero_point", "_zero_point", "/zero_point", ".zeroPoint", "_zeroPoint",
  ]

  /// Finds an array, and what it needs beside it.
  ///
  /// - Throws: `InputError` where integers have no scale, or it is none.
  init(_ info: TensorInfo, in source: any WeightSource) throws(InputError) {
    (self.info, self.source) = (info, source)
    let names = Set(source.tensors.map(\.name))
    func companion(_ suffixes: [String]) throws(InputError) -> TensorData? {
      for suffix in suffixes where names.contains(info.name + suffix) {
        return try source.tensor(named: info.name + suffix)
      }
      return nil
    }
    scale = try companion(Self.scaleNames)
    zeroPoint = try companion(Self.zeroPointNames)
    if info.dtype == .bool || !info.dtype.isFloat && info.dtype != .uint16 && scale == nil {
      throw InputError(
        .badData, path: source.path,
        "array '\(info.name)' is of \(info.dtype.name) and has no scale",
        place: "expected float32, float16, bfloat16 as uint16, or an array "
          + "'\(info.name).scale' beside it")
    }
    try check(scale, "scale")
    try check(zeroPoint, "zero point")
    if let scale, !scale.floats().allSatisfy({ $0 > 0 && $0.isFinite }) {
      throw InputError(
        .badData, path: source.path, "array '\(info.name)' has a scale that is no positive number",
        place: info.name + ".scale")
    }
  }

  private func check(_ values: TensorData?, _ word: String) throws(InputError) {
    guard let count = values?.shape.elementCount, count != 1,
      !info.shape.dimensions.contains(count)
    else { return }
    throw InputError(
      .badData, path: source.path, "array '\(info.name)' has a \(word) of \(count) values",
      place: "expected one, or one for each channel")
  }

  /// The values as they stand in the file.
  ///
  /// - Parameter channelAxis: the axis along which a scale of several values lies.
  func floats(channelAxis: Int) throws(InputError) -> [Float] {
    let tensor = try source.tensor(named: info.name)
    defer { tensor.releasePages() }
    guard let scale else {
      guard info.dtype == .uint16 else { return tensor.floats() }
      let bytes = tensor.withUnsafeBytes { [UInt8]($0) }
      return TensorData(dtype: .bfloat16, shape: tensor.shape, bytes: bytes).floats()
    }
    let (scales, zeros) = (scale.floats(), zeroPoint?.floats() ?? [0])
    let inner = info.shape.dimensions.dropFirst(channelAxis + 1).reduce(1, *)
    let channels =
      info.shape.dimensions.indices.contains(channelAxis)
      ? info.shape[channelAxis] : 1
    func value(_ values: [Float], _ index: Int) -> Float {
      values.count == channels ? values[index / inner % channels] : values[0]
    }
    return tensor.floats().enumerated().map {
      ($1 - value(zeros, $0)) * value(scales, $0)
    }
  }

  /// By how much a value may be off because it was rounded, in units of the largest.
  ///
  /// - Parameter channelAxis: the axis along which a scale of several values lies.
  func rounding(channelAxis: Int) throws(InputError) -> Double {
    guard let scale else {
      return switch info.dtype {
      case .float16: 0x1p-11
      case .bfloat16, .uint16: 0x1p-8
      default: 0
      }
    }
    let largest = try floats(channelAxis: channelAxis).map(\.magnitude).max() ?? 0
    let step = scale.floats().max() ?? 0
    return largest > 0 ? Double(step) / 2 / Double(largest) : 0
  }
}
