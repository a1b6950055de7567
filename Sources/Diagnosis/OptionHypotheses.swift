import Comparison
import Inference
import ResNetV2

extension Diagnosis {
  /// The conventions of other families.
  func otherOptions(for node: Node) -> [Hypothesis] {
    switch node.operation {
    case .norm(.batch(let epsilon), _, _): otherEpsilons(of: node, epsilon)
    case .norm(.group(let count, let epsilon), let channels, _):
      otherGroups(count, epsilon, channels: channels)
    case .globalAverage, .globalMaximum: otherPooling(node.operation == .globalAverage)
    case .maxPool: otherBorders()
    case .convolution:
      otherStandardizations() + (node.nameInBlock == "shortcut.conv" ? otherShortcuts() : [])
    default: []
    }
  }

  /// The network with other options; `nil` where they are no others.
  private func hypothesis(
    _ ofNetwork: String, engine: String, _ change: (inout Configuration) -> Void
  ) -> Hypothesis? {
    let own = comparison.candidate.graph.configuration
    var changed = own
    change(&changed)
    guard changed != own else { return nil }
    return Hypothesis(
      explanation: Explanation(ofNetwork, engine: engine), change: .configuration(changed))
  }

  private func otherEpsilons(of node: Node, _ own: Double) -> [Hypothesis] {
    let configuration = comparison.candidate.graph.configuration
    // Norms of a head have an ε of their own.
    let place =
      node.place == .head ? configuration.head.layerNames.firstIndex(of: node.name) : nil
    let known = [1e-5, 1.001e-5, 1e-3, 1e-6]
    return (isOfEngine ? known + [0, 1e-4, 1e-7, 1e-8, 2e-5] : known).compactMap { epsilon in
      hypothesis(
        "ε should be \(epsilon)", engine: "adds ε \(epsilon); this network adds \(own)"
      ) {
        guard let place else {
          $0.norm = .batch(epsilon: epsilon)
          return
        }
        guard case .norm(_, let hasScale, let hasShift) = $0.head.layers[place] else { return }
        $0.head.layers[place] = .norm(
          .batch(epsilon: epsilon), hasScale: hasScale, hasShift: hasShift)
      }
    }
  }

  private func otherGroups(_ count: Int, _ epsilon: Double, channels: Int) -> [Hypothesis] {
    [1e-5, 1e-6, 1e-3].compactMap { other in
      hypothesis(
        "ε should be \(other)", engine: "adds ε \(other); this network adds \(epsilon)"
      ) { $0.norm = .group(count: count, epsilon: other) }
    }
      + [8, 16, 32].filter { channels.isMultiple(of: $0) }.compactMap { other in
        hypothesis(
          "there should be \(other) groups",
          engine: "has \(other) groups; this network has \(count)"
        ) { $0.norm = .group(count: other, epsilon: epsilon) }
      }
  }

  private func otherPooling(_ isAverage: Bool) -> [Hypothesis] {
    let (own, other) = isAverage ? ("average", "maximum") : ("maximum", "average")
    return [
      hypothesis(
        "it should be the global \(other)",
        engine: "takes the global \(other); this network takes the \(own)"
      ) { $0.head.pooling = isAverage ? .max : .average }
    ].compactMap { $0 }
  }

  private func otherBorders() -> [Hypothesis] {
    guard let own = comparison.candidate.graph.configuration.stem.pool?.padding else { return [] }
    let others: [(Configuration.Stem.PoolPadding, String)] = [
      (.zero, "the border should be filled with zeros"),
      (.negativeInfinity, "the border should not count"),
      (.same, "the border should be TensorFlow's SAME"),
      (.valid, "there should be no border"),
    ]
    return others.compactMap { padding, text in
      hypothesis(text, engine: "\(padding.phrase); this network \(own.phrase)") {
        $0.stem.pool?.padding = padding
      }
    }
  }

  private func otherStandardizations() -> [Hypothesis] {
    let own = comparison.candidate.graph.configuration.weightStandardizationEpsilon
    func phrase(_ epsilon: Double?) -> String {
      epsilon.map { "standardises weights with ε \($0)" } ?? "does not standardise weights"
    }
    return ([1e-10, 1e-8, 1e-6] as [Double?] + [nil]).compactMap { epsilon in
      hypothesis(
        epsilon.map { "weights should be standardised, ε \($0)" }
          ?? "weights should not be standardised",
        engine: "\(phrase(epsilon)); this network \(phrase(own))"
      ) { $0.weightStandardizationEpsilon = epsilon }
    }
  }

  private func otherShortcuts() -> [Hypothesis] {
    let own = comparison.candidate.graph.configuration.shortcut
    let hasPool = own.kind == .averagePoolConvolution
    let (block, first) = ("the block's input", "the block's first ReLU")
    let (read, other) = own.input == .raw ? (block, first) : (first, block)
    return [
      hypothesis(
        hasPool
          ? "it should have the stride, not an average pool before it"
          : "an average pool before it should have the stride",
        engine: hasPool
          ? "has the stride itself; in this network an average pool before it has it"
          : "has an average pool with the stride before it; in this network it has the stride itself"
      ) { $0.shortcut.kind = hasPool ? .convolution : .averagePoolConvolution },
      hypothesis(
        "it should read \(other)", engine: "reads \(other); in this network it reads \(read)"
      ) { $0.shortcut.input = own.input == .raw ? .preActivated : .raw },
    ].compactMap { $0 }
  }
}

extension Configuration.Stem.PoolPadding {
  /// What a max-pool does at its border.
  fileprivate var phrase: String {
    switch self {
    case .zero: "pads with zeros"
    case .negativeInfinity: "pads with −∞"
    case .same: "pads as TensorFlow's SAME"
    case .valid: "has no border"
    }
  }
}
