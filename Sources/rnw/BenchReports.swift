import Comparison
import Conversion
import Inference
import Plain
import Tensors

/// The times of several runs, as they are printed.
private struct Times: Encodable {
  let medianMilliseconds: Double
  let minimumMilliseconds: Double

  /// - Parameter times: in seconds, smallest first.
  init(_ times: [Double]) {
    medianMilliseconds = (times.isEmpty ? 0 : times[times.count / 2]) * 1000
    minimumMilliseconds = (times.first ?? 0) * 1000
  }

  var text: String {
    "\(fixed(medianMilliseconds, decimals: 2)) ms median, "
      + "\(fixed(minimumMilliseconds, decimals: 2)) ms minimum"
  }
}

/// The times of opening a file.
struct LoadReport: Encodable {
  private let schema = "rnw.bench-load/1"
  private let container: String
  private let tensors: Int
  private let open: Times
  private let medianMilliseconds: Double
  private let minimumMilliseconds: Double

  init(_ outcome: LoadOutcome) {
    container = outcome.container
    tensors = outcome.tensors
    open = Times(outcome.opening)
    let all = Times(outcome.times)
    medianMilliseconds = all.medianMilliseconds
    minimumMilliseconds = all.minimumMilliseconds
  }

  var text: String {
    "\(container), \(tensors) tensors: open \(open.text)\n"
      + "with the mapping to a network: \(fixed(medianMilliseconds, decimals: 2)) ms median, "
      + "\(fixed(minimumMilliseconds, decimals: 2)) ms minimum\n"
  }
}

/// The speed of the codec.
struct CodecReport: Encodable {
  private let schema = "rnw.bench-codec/1"
  private let elementBytes: Int
  private let packedBytes: Int
  private let pack: Times
  private let unpack: Times

  init(_ outcome: CodecOutcome) {
    elementBytes = outcome.elementBytes
    packedBytes = outcome.packedBytes
    pack = Times(outcome.packing)
    unpack = Times(outcome.unpacking)
  }

  var text: String {
    let share = 100 * Double(packedBytes) / Double(max(elementBytes, 1))
    func line(_ name: String, _ times: Times) -> String {
      let rate = Double(elementBytes) / times.medianMilliseconds / 1e6
      return "\(name) \(times.text), \(fixed(rate, decimals: 2)) GB/s\n"
    }
    return "\(grouped(elementBytes)) bytes become \(grouped(packedBytes)), "
      + "\(fixed(share, decimals: 2)) %\n" + line("pack  ", pack) + line("unpack", unpack)
  }
}

/// How exact the kernels are.
struct AccuracyReport: Encodable {
  private let schema = "rnw.bench-accuracy/1"
  private let architecture: String
  private let kernels: String
  private let worst: [Layer]
  private let layers: [Layer]
  /// Whether every layer is within the limit of its method.
  let passes: Bool

  private struct Layer: Encodable {
    let name: String
    let method: String
    let error: Double
    let limit: Double
  }

  init(_ outcome: AccuracyOutcome) {
    architecture = outcome.architecture
    kernels = outcome.instructionSet.rawValue
    layers = outcome.layers.map {
      Layer(
        name: $0.name, method: Self.name(of: $0.method), error: $0.error,
        limit: $0.method == .direct ? 2e-6 : 1e-5)
    }
    worst = Dictionary(grouping: layers, by: \.method).values
      .compactMap { $0.max { $0.error < $1.error } }.sorted { $0.method < $1.method }
    passes = layers.allSatisfy { $0.error <= $0.limit }
  }

  private static func name(of method: ConvolutionMethod) -> String {
    switch method {
    case .direct: "direct"
    case .winograd(let outputs): "Winograd \(outputs)×\(outputs)"
    case .strassen: "Strassen"
    }
  }

  var text: String {
    var lines = [
      "\(architecture), \(kernels) kernels, every layer alone against sums in double precision", "",
      "method".padded(to: 16) + "worst layer".padded(to: 34) + "error".leftPadded(to: 9)
        + "limit".leftPadded(to: 9),
    ]
    for layer in worst {
      lines.append(
        layer.method.padded(to: 16) + layer.name.padded(to: 34)
          + scientific(layer.error, digits: 2).leftPadded(to: 9)
          + scientific(layer.limit, digits: 1).leftPadded(to: 9))
    }
    lines.append("")
    lines.append(passes ? "within the limits" : "NOT within the limits")
    return lines.joined(separator: "\n") + "\n"
  }
}
