import Conversion
import Plain
import Precision
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
          + grouped(tensor.bytes).leftPadded(to: 11)
          + grouped(tensor.savedBytes).leftPadded(to: 12)
          + scientific(tensor.scaledError, digits: 2).leftPadded(to: 13))
    }
    lines.append("")
    for type in [DType.float32, .float16, .bfloat16, .int8] {
      let kept = tensors.filter { $0.dtype == type.name }
      guard !kept.isEmpty else { continue }
      let bytes = kept.reduce(0) { $0 + $1.bytes }
      lines.append(
        "\(type.name.padded(to: 10)) \(kept.count) of \(tensors.count) tensors, "
          + "\(grouped(bytes)) bytes")
    }
    lines.append(
      "together   \(grouped(bytes)) bytes instead of \(grouped(float32Bytes)) as float32"
    )
    lines.append(
      "output     error \(scientific(outputError, digits: 2)) on \(images) "
        + "\(images == 1 ? "image" : "images"), limit \(scientific(maximumError, digits: 2)), "
        + "aim \(scientific(aim, digits: 2))")
    return lines.joined(separator: "\n") + "\n"
  }
}
