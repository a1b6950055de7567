import ResNetV2
import Tensors

/// A value that the family supplied, as the file says nothing of it.
///
/// It is right where the file holds what the family's own code saves; a network in which somebody changed it has the
/// same tensors.
package struct Assumption: Hashable, Sendable, Codable {
  /// Which option it is, such as `head.activation`.
  package let option: String
  /// What was taken, such as `softmax`.
  package let value: String

  /// Describes an assumption.
  package init(option: String, value: String) {
    self.option = option
    self.value = value
  }

  /// The options that names and shapes of tensors are silent about.
  package enum Option: String, Hashable, Sendable, CaseIterable {
    case activation = "head.activation"
    case pooling = "head.pooling"
    case epsilon = "norm.epsilon"
    case input
    case hiddenActivation = "block.activation"
    case stridedBlock = "block.stridedBlock"
    case stridedConvolution = "block.stridedConvolution"
    case stageStrides = "stages.stride"
    case stemStride = "stem.stride"
    case stemPool = "stem.pool"
    case shortcutInput = "shortcut.input"
    case shortcutKind = "shortcut.kind"
    case groups = "norm.groups"
    case standardization = "weightStandardizationEpsilon"
    case padding = "convolutionPadding"
    case ending
    /// Whether anything without parameters stands between the layers: a filter before a stride, a factor, a pool.
    case arithmetic
  }

  /// The options that are read where a file describes its graph, though its names decide what the network is.
  static let readFromDescriptions = Set(
    [Option.activation, .pooling, .epsilon].map(\.rawValue))

  /// What of a head a file of tensors does not tell.
  enum HeadPart {
    /// Something without parameters may stand somewhere, or not.
    case list
    /// The function at a place in the list.
    case activation(index: Int)
    /// The ε of the norm at a place in the list.
    case epsilon(index: Int)

    var option: String {
      switch self {
      case .list: "head.layers"
      case .activation(let index): "head.layers[\(index)].activation"
      case .epsilon(let index): "head.layers[\(index)].norm.kind.batch.epsilon"
      }
    }
  }
}

extension Configuration {
  /// What a file of tensors alone does not tell of the network, and what is taken for it.
  ///
  /// - Parameter told: what is known from elsewhere: the file's own description, or its user.
  func assumptions(told: Set<String>) -> [Assumption] {
    Assumption.Option.allCases.filter { !told.contains($0.rawValue) }.compactMap { option in
      value(of: option).map { Assumption(option: option.rawValue, value: $0) }
    }
  }

  /// The value of an option in words; `nil` where the network has no such thing.
  private func value(of option: Assumption.Option) -> String? {
    switch option {
    case .activation:
      return head.lastActivation?.title ?? "none"
    case .pooling:
      switch head.pooling {
      case .average: return "average"
      case .max: return "max"
      case .none: return "none"
      case .flatten(let height, let width, _): return "flattened \(height)×\(width)"
      }
    case .epsilon:
      switch norm {
      case .batch(let epsilon), .group(_, let epsilon): return "\(epsilon)"
      }
    case .input: return input.isAdjusted ? "adjusted" : "as it is"
    case .hiddenActivation: return "relu"
    case .stridedBlock: return shrinks ? block.stridedBlock.rawValue : nil
    case .stridedConvolution:
      return shrinks && block.kind == .bottleneck ? block.stridedConvolution.rawValue : nil
    case .stageStrides:
      let strides = stages.map { "\($0.stride)" }.joined(separator: " ")
      guard stages.contains(where: { $0.dilation > 1 }) else { return strides }
      return strides + " with dilations " + stages.map { "\($0.dilation)" }.joined(separator: " ")
    case .stemStride: return stem.convolutions.map { "\($0.stride)" }.joined(separator: " ")
    case .stemPool:
      return stem.pool.map {
        "\($0.size)×\($0.size) with stride \($0.stride) and "
          + ($0.padding == .valid ? "no border" : "a border of \($0.padding.rawValue)")
      } ?? "none"
    case .shortcutInput:
      return block.order == .preActivation ? shortcut.input.rawValue : nil
    case .shortcutKind:
      return shortcut.kind.isParameterFree ? shortcut.kind.rawValue : nil
    case .groups:
      if case .group(let count, _) = norm { return "\(count)" }
      return nil
    case .standardization: return weightStandardizationEpsilon.map { "\($0)" }
    case .padding: return convolutionPadding.rawValue
    case .ending: return ending.rawValue
    case .arithmetic: return "none"
    }
  }

  private var shrinks: Bool { stages.contains { $0.stride > 1 } }
}

extension Assumption {
  /// The assumption for people, such as `average pooling`.
  package var words: String {
    switch Option(rawValue: option) {
    case .activation: value == "none" ? "no activation at the end" : "\(value) at the end"
    case .pooling: value == "none" ? "no pooling" : "\(value) pooling of the features"
    case .epsilon: "ε \(value)"
    case .input: "the input \(value)"
    case .hiddenActivation: "\(value) between layers"
    case .stridedBlock: "strides in the \(value) block of a stage"
    case .stridedConvolution:
      "and in the \(value == "spatial" ? "3×3" : value) convolution of a block"
    case .stageStrides: "strides \(value)"
    case .stemStride: "stem stride \(value)"
    case .stemPool: "max-pool \(value)"
    case .shortcutInput: "shortcuts from the \(value) value"
    case .shortcutKind: "shortcuts of \(value)"
    case .groups: "group norms of \(value) groups"
    case .standardization: "weights standardised with ε \(value)"
    case .padding:
      value == "symmetric" ? "borders of half the kernel" : "borders of as little as needed"
    case .ending:
      switch value {
      case "sum": "nothing after the last addition"
      case "norm": "a norm after the last addition, and no ReLU"
      default: "a ReLU after the last addition"
      }
    case .arithmetic: "no other arithmetic"
    case nil where option.hasPrefix("head.layers"):
      option.hasSuffix("epsilon") ? "ε \(value)" : value
    case nil: "\(option) \(value)"
    }
  }
}
