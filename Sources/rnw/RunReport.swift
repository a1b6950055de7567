import Conversion
import Inference
import Plain
import Tensors

/// The best classes of each image.
struct RunReport: Encodable {
  private let schema = "rnw.run/1"
  private let architecture: String
  private let outputShape: [Int]
  private let arraysWritten: Int
  private let images: [[Class]]
  private let names: [String]
  private let remarks: [String]

  private struct Class: Encodable {
    let index: Int
    let value: Float
    let label: String?
  }

  private let file: WrittenFile?

  /// - Parameters:
  ///   - output: the archive that was written.
  ///   - remarks: what the reader should know before what the run itself remarks.
  init(_ outcome: RunOutcome, top: Int, output: String?, remarks: [String]) throws {
    file = try output.map { try WrittenFile(path: $0) }
    architecture = outcome.network
    outputShape = outcome.output.shape.dimensions
    arraysWritten = outcome.arraysWritten
    names = outcome.names
    self.remarks = remarks + outcome.remarks + [outcome.output.remarkOnInfinities].compactMap { $0 }
    images = outcome.output.largest(top).map { image in
      image.map {
        Class(index: $0.index, value: $0.value, label: outcome.labels?.names[$0.index])
      }
    }
  }

  var text: String {
    var lines = ["\(architecture), output \(outputShape.map(String.init).joined(separator: "×"))"]
    for (name, image) in zip(names, images) {
      lines += image.contains { $0.label != nil } ? labelled(name, image) : [line(name, image)]
    }
    lines += remarks.map { "note: \($0)" }
    if let file { lines.append("\(file.text) in \(counted(arraysWritten, "array"))") }
    return lines.map(\.escapingControlCharacters).joined(separator: "\n") + "\n"
  }

  private func line(_ name: String, _ image: [Class]) -> String {
    "\(name)  " + image.map { "\($0.index): \($0.value)" }.joined(separator: "  ")
  }

  /// A line for each class: names are long.
  private func labelled(_ name: String, _ image: [Class]) -> [String] {
    let width = image.map { "\($0.value)".count }.max() ?? 0
    return [name]
      + image.map { "  \("\($0.value)".padded(to: width))  \($0.label ?? "") (\($0.index))" }
  }
}

extension Activation {
  /// How many values are no numbers to go by; `nil` where all are.
  fileprivate var remarkOnInfinities: String? {
    let count = values.count { !$0.isFinite }
    guard count > 0 else { return nil }
    return
      "of the output's \(counted(values.count, "value")) \(count) \(count == 1 ? "is" : "are") "
      + "not finite: infinite, or NaN"
  }
}
