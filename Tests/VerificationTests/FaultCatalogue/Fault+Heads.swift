import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

extension Fault {
  /// What goes wrong in fine-tuned networks: in their heads, and in what they do to their input.
  static var heads: [Fault] {
    [
      head("wrong last function", says: otherFunction) { _, configuration in
        let last = configuration.head.layers.count - 1
        configuration.head.layers[last] = .activation(
          configuration.head.lastActivation == .sigmoid ? .softmax : .sigmoid)
      },
      head("wrong hidden function", says: otherFunction) { _, configuration in
        let layers = configuration.head.layers
        let place = layers.firstIndex { if case .activation = $0 { true } else { false } } ?? 0
        configuration.head.layers[place] = .activation(
          layers[place] == .activation(.relu) ? .gelu : .relu)
      },
      head("ReLU6 or ReLU", applies: { $0.head.layers.contains { $0.isRelu } }, says: otherFunction)
      { _, configuration in
        let layers = configuration.head.layers
        guard let place = layers.firstIndex(where: \.isRelu) else { return }
        configuration.head.layers[place] = .activation(
          layers[place] == .activation(.relu) ? .relu6 : .relu)
      },
      head("average for maximum, or the other way round", ["global average", "global maximum"]) {
        $1.head.pooling = $1.head.pooling == .max ? .average : .max
      },
      head(
        "scale of the input off by 1/255", ["the scale is", "the scale should be"]
      ) {
        let scale = $1.input.scale.isEmpty ? [1, 1, 1] : $1.input.scale
        $1.input.scale = scale.map { $0 * (1 + 1 / 255) }
      },
      head(
        "offset of the input off by 1/255", ["the offset is", "the offset should be"]
      ) { _, configuration in
        let (scale, offset) = (configuration.input.scale, configuration.input.offset)
        let step = scale.isEmpty ? 1 : 1.0 / 255
        configuration.input.offset = (offset.isEmpty ? [0, 0, 0] : offset).map { $0 + step }
      },
      head(
        "channels reversed",
        ["the order of the channels", "channels should", "0 and 2 are exchanged"]
      ) { $1.input.reversesChannels.toggle() },
      Fault(
        description: "hidden dense layers exchanged",
        words: [" is that of ", " stand in ", " stands in "],
        applies: { sample, node in partner(of: node, in: sample) != nil },
        inject: { sample, node in
          let other = try #require(partner(of: node, in: sample))
          var parameters = sample.parameters
          for (own, their) in zip(node.parameters, other.parameters) {
            parameters = parameters.replacing(own, with: sample.parameters[their])
              .replacing(their, with: sample.parameters[own])
          }
          return (sample.graph, parameters)
        }, isOfHead: true),
      head(
        "norm of the head ignored", ["it reads", "it should read"], applies: { $0.headNorm != nil }
      ) {
        _, configuration in
        if let place = configuration.headNorm { configuration.head.layers.remove(at: place) }
      },
      head("ε of the head's norm", ["ε is", "ε should be"], applies: { $0.headNorm != nil }) {
        _, configuration in
        guard let place = configuration.headNorm,
          case .norm(.batch(let epsilon), let hasScale, let hasShift) = configuration.head.layers[
            place]
        else { return }
        configuration.head.layers[place] = .norm(
          .batch(epsilon: epsilon == 1e-3 ? 1e-5 : 1e-3), hasScale: hasScale, hasShift: hasShift)
      },
    ]
  }

  private static func head(
    _ description: String, _ words: [String] = [],
    applies: @escaping @Sendable (Configuration) -> Bool = { _ in true },
    says: (@Sendable (Sample, String) -> [String])? = nil,
    _ change: @escaping @Sendable (Sample, inout Configuration) -> Void
  ) -> Fault {
    var fault = option(description, words) { _ in }
    fault.applies = { sample, node in node.name == "input" && applies(sample.graph.configuration) }
    let changed = { @Sendable (sample: Sample) in
      var configuration = sample.graph.configuration
      change(sample, &configuration)
      return try Graph(configuration)
    }
    fault.inject = { sample, _ in try inject(changed(sample), into: sample) }
    fault.firstNode = { sample, _ in (try? firstDifference(of: changed(sample), from: sample)) ?? ""
    }
    fault.says = says
    fault.isOfHead = true
    return fault
  }

  /// The right function by its name.
  private static var otherFunction: @Sendable (Sample, String) -> [String] {
    { sample, first in
      // The wrong layer may have another name than the right one.
      let places = sample.graph.nodes.filter { node in
        if case .activation = node.operation { node.place == .head } else { false }
      }
      return places.map { "the reference's is \($0.operation.title)" }
        + places.map { "it should be \($0.operation.title)" }
    }
  }

  private static func partner(of node: Node, in sample: Sample) -> Node? {
    guard node.isMatrix, let index = sample.graph.index(of: node.name) else { return nil }
    return sample.graph.nodes[(index + 1)...].first {
      $0.isMatrix && $0.parameters.map(\.shape) == node.parameters.map(\.shape)
    }
  }
}

extension Configuration.Head.Layer {
  fileprivate var isRelu: Bool { self == .activation(.relu) || self == .activation(.relu6) }
}

extension Configuration {
  /// The place of the head's norm; `nil` where it has none.
  fileprivate var headNorm: Int? {
    head.layers.firstIndex { if case .norm = $0 { true } else { false } }
  }
}
