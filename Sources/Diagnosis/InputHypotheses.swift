import Comparison
import Inference
import Plain
import ResNetV2
import Tensors

extension Diagnosis {
  /// The scale and offset that make what the reference has of an image, channel by channel, where one does.
  func adjustments(of index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    let graph = comparison.candidate.graph
    let node = graph.nodes[index]
    guard index == layer.node, let name = node.inputs.first.map({ graph.nodes[$0].name }),
      case .adjust(let scale, let offset, let reverses) = node.operation,
      let input = try layer.input(name), input.shape == layer.expected.shape
    else { return [] }
    let own = Lines(
      scale: scale, offset: offset, channels: input.shape[input.shape.rank - 1])
    return [reverses, !reverses].compactMap { order in
      guard let solved = Lines(from: input, to: layer.expected, reversed: order) else {
        return nil
      }
      let reversal =
        order == reverses
        ? []
        : [reverses ? "its channels should not be reversed" : "its channels should be reversed"]
      let differences = reversal + solved.differences(from: own)
      guard !differences.isEmpty else { return nil }
      let engine =
        (order == reverses
          ? []
          : [reverses ? "does not reverse the channels" : "reverses the channels"])
        + solved.phrases(against: own)
      return Hypothesis(
        explanation: Explanation(
          differences.joined(separator: ", "), engine: engine.joined(separator: ", ")),
        change: .value { solved.values(of: input, reversed: order) })
    }
  }
}

/// A scale and an offset for each channel.
private struct Lines {
  private let scale: [Double]
  private let offset: [Double]

  /// - Parameter scale: empty for 1, as `offset` for 0.
  init(scale: [Double], offset: [Double], channels: Int) {
    self.scale = scale.isEmpty ? Array(repeating: 1, count: channels) : scale
    self.offset = offset.isEmpty ? Array(repeating: 0, count: channels) : offset
  }

  /// By least squares; `nil` where a channel has one value only, which lies on any line.
  init?(from input: Activation, to expected: Activation, reversed: Bool) {
    let channels = input.shape[input.shape.rank - 1]
    var (scale, offset): ([Double], [Double]) = ([], [])
    for channel in 0..<channels {
      let source = reversed ? channels - 1 - channel : channel
      let x = stride(from: source, to: input.values.count, by: channels).map {
        Double(input.values[$0])
      }
      let y = stride(from: channel, to: expected.values.count, by: channels).map {
        Double(expected.values[$0])
      }
      guard !x.isEmpty else { return nil }
      let (meanX, meanY) = (
        x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count)
      )
      let variance = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
      guard variance > 0 else { return nil }
      let covariance = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
      scale.append(covariance / variance)
      offset.append(meanY - covariance / variance * meanX)
    }
    (self.scale, self.offset) = (scale, offset)
  }

  func values(of input: Activation, reversed: Bool) -> Activation {
    let channels = scale.count
    return Activation(
      shape: input.shape,
      values: input.values.indices.map { index in
        let channel = index % channels
        let source = reversed ? index - channel + channels - 1 - channel : index
        return Float(Double(input.values[source]) * scale[channel] + offset[channel])
      })
  }

  /// What should be there instead of another one's, in words.
  func differences(from own: Lines) -> [String] {
    parts(differingFrom: own).map { "the \($0.name) should be \(words($0.values))" }
  }

  /// What an engine does instead of the network's own.
  func phrases(against own: Lines) -> [String] {
    parts(differingFrom: own).map {
      "has the \($0.name) \(words($0.values)); this network has \(words($0.others))"
    }
  }

  private func parts(
    differingFrom own: Lines
  ) -> [(name: String, values: [Double], others: [Double])] {
    [("scale", scale, own.scale, 0.0), ("offset", offset, own.offset, 1)].compactMap {
      name, values, others, floor in
      let isSame = zip(values, others).allSatisfy {
        ($0 - $1).magnitude <= 1e-5 * max($1.magnitude, floor)
      }
      return isSame ? nil : (name, values, others)
    }
  }

  private func words(_ values: [Double]) -> String {
    let words = values.map { readable($0, digits: 6) }
    return Set(words).count == 1 ? words[0] : words.joined(separator: ", ")
  }
}
