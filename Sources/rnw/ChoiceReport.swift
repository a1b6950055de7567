import Conversion
import Tensors

/// What `--precision auto` chose, as part of a conversion's document, and as a table.
struct ChoiceReport: Encodable {
  private let maximumError: Double
  private let aim: Double
  private let outputError: Double
  private let images: Int
  private let measuredImages: Int
  private let singleRuns: Int
  private let wholeRuns: Int
  private let bytes: Int
  private let float32Bytes: Int
  private let tensors: [Tensor]

  private struct Tensor: Encodable {
    let name: String
    let familyName: String?
    let dtype: String
    let bytes: Int
    let float32Bytes: Int
    let savedBytes: Int
    let scaledError: Double

    /// The name that people know the layer by.
    var displayName: String { (familyName ?? name).shortened(to: String.longestName) }
  }

  init(_ choice: PrecisionChoice) {
    maximumError = choice.maximumError
    aim = choice.aim
    outputError = choice.outputError
    images = choice.images
    measuredImages = choice.measuredImages
    singleRuns = choice.runs.single
    wholeRuns = choice.runs.whole
    tensors = choice.tensors.map { tensor in
      Tensor(
        name: tensor.name, familyName: tensor.familyName, dtype: tensor.dtype.name,
        bytes: tensor.bytes, float32Bytes: tensor.float32Bytes,
        savedBytes: tensor.float32Bytes - tensor.bytes, scaledError: tensor.error)
    }
    bytes = tensors.reduce(0) { $0 + $1.bytes }
    float32Bytes = tensors.reduce(0) { $0 + $1.float32Bytes }
  }

  /// The table for a terminal.
  var text: String {
    let width = (tensors.map { $0.displayName.count }.max() ?? 0) + 2
    var lines = [
      "layer".padded(to: width) + "kept as".padded(to: 10) + "bytes".leftPadded(to: 11)
        + "saved".leftPadded(to: 12) + "error alone".leftPadded(to: 13)
    ]
    for tensor in tensors {
      lines.append(
        tensor.displayName.padded(to: width) + tensor.dtype.padded(to: 10)
          + tensor.bytes.withSeparators.leftPadded(to: 11)
          + tensor.savedBytes.withSeparators.leftPadded(to: 12)
          + tensor.scaledError.twoDigits.leftPadded(to: 13))
    }
    lines.append("")
    for type in [DType.float32, .float16, .bfloat16, .int8] {
      let kept = tensors.filter { $0.dtype == type.name }
      guard !kept.isEmpty else { continue }
      let bytes = kept.reduce(0) { $0 + $1.bytes }
      lines.append(
        "\(type.name.padded(to: 10)) \(kept.count) of \(tensors.count) tensors, "
          + "\(bytes.withSeparators) bytes")
    }
    lines.append(
      "together   \(bytes.withSeparators) bytes instead of \(float32Bytes.withSeparators) as float32"
    )
    lines.append(
      "output     error \(outputError.twoDigits) on \(images) "
        + "\(images == 1 ? "image" : "images"), limit \(maximumError.twoDigits), "
        + "aim \(aim.twoDigits)")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Double {
  /// The number with two significant digits, as in `3.4e-05`.
  fileprivate var twoDigits: String {
    guard isFinite, self > 0 else { return self == 0 ? "0" : "\(self)" }
    var (mantissa, exponent) = (self, 0)
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\(mantissa.formatted(decimals: 1))e\(exponent)"
  }
}
