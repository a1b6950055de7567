import Families
import Files
import Plain
import Tensors
import WeightSources

/// What a file holds.
package struct Inspection: Encodable, Sendable {
  private let schema = "rnw.inspection/1"
  private let container: String
  private let family: String?
  private let architecture: String?
  private let problem: String?
  private let metadata: [String: String]
  private let tensors: [Tensor]

  private struct Tensor: Encodable, Sendable {
    let name: String
    let dtype: String
    let shape: [Int]
    let statistics: Statistics?
  }

  private struct Statistics: Encodable, Sendable {
    let minimum: Float
    let mean: Double
    let maximum: Float
    let notFinite: Int
  }

  /// The listing for a terminal.
  package func text() -> String {
    var lines = ["container     \(container)"]
    if let architecture, let family {
      lines.append("network       \(architecture), family \(family)")
    } else {
      lines.append("network       none: \(problem ?? "")")
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let count = value.unicodeScalars.count
      let short =
        count > 100 ? "\(String(value.unicodeScalars.prefix(100)))… (\(count) characters)" : value
      lines.append("\(key.shortened(to: String.longestName).padded(to: 13)) \(short)")
    }
    let elements = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    lines.append("tensors       \(tensors.count), \(elements) values")
    lines.append("")
    let names = tensors.map {
      $0.name.shortened(to: String.longestName).escapingControlCharacters
    }
    let width = names.map(\.count).max() ?? 0
    for (name, tensor) in zip(names, tensors) {
      let shape = Shape(tensor.shape).description
      var line = "\(name.padded(to: width))  \(tensor.dtype.padded(to: 8))  \(shape)"
      if let statistics = tensor.statistics {
        line = line.padded(to: width + 32)
        line += "  \(statistics.minimum) … \(statistics.maximum), mean \(Float(statistics.mean))"
        if statistics.notFinite > 0 { line += ", \(statistics.notFinite) NOT FINITE" }
      }
      lines.append(line)
    }
    return lines.map(\.escapingControlCharacters).joined(separator: "\n") + "\n"
  }

  fileprivate init(_ source: any WeightSource, readsValues: Bool) throws {
    container = source.container
    metadata = source.metadata
    tensors = try source.tensors.map { info in
      Tensor(
        name: info.name, dtype: info.dtype.name, shape: info.shape.dimensions,
        statistics: readsValues ? Self.statistics(of: try source.tensor(named: info.name)) : nil)
    }
    do {
      let model = try Model(source)
      family = model.family.id
      architecture = model.architectureName
      problem = nil
    } catch let error as InputError {
      family = nil
      architecture = nil
      problem = error.problem
    }
  }

  private static func statistics(of tensor: TensorData) -> Statistics? {
    let values = tensor.floats()
    let finite = values.filter(\.isFinite)
    guard let minimum = finite.min(), let maximum = finite.max() else { return nil }
    let sum = finite.reduce(0.0) { $0 + Double($1) }
    return Statistics(
      minimum: minimum, mean: sum / Double(finite.count), maximum: maximum,
      notFinite: values.count - finite.count)
  }
}

/// Lists what a file holds; a file that is no known network is listed all the same.
///
/// - Parameter dictionary: which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
/// - Throws: `InputError` where the file cannot be read.
package func inspect(
  _ path: String, dictionary: String? = nil, readsValues: Bool
) async throws -> Inspection {
  let source = try await WeightFile.open(path, dictionary: dictionary)
  let inspection = try Inspection(source, readsValues: readsValues)
  try source.checkUnchanged()
  return inspection
}
