package import Families
import Plain
import ResNetV2
import Tensors

/// Pass or fail, and the figures that say by how much.
package struct Verdict: Hashable, Sendable {
  /// Whether every layer is within its limit, no weight differs by more than rounding, and every layer does the same of any
  /// input.
  package let passes: Bool

  /// The number of layers that were compared.
  package let compared: Int

  /// The pattern of the layers that were asked for, and how many layers there are; `nil` for all.
  package let selection: Selection?

  /// A choice of layers.
  package struct Selection: Hashable, Sendable, Encodable {
    /// The pattern.
    package let pattern: String
    /// How many layers the network has.
    package let layers: Int
  }

  /// The number of layers out of their limit.
  package let failed: Int

  /// The layer that is closest to its limit, or farthest over it.
  package let worst: LayerComparison?

  /// The first layer that is wrong by itself.
  package let culprit: Culprit?

  /// The smallest limit for all layers, rounded up to two digits, with which the comparison would
  /// pass.
  ///
  /// Infinite where values are NaN or infinite on one side only, or cannot be paired.
  package let passingLimit: Double

  /// Whether no layer differs by more than float32 arithmetic in another order gives.
  package let isWithinNoise: Bool

  /// The number of layers that differ by no more than that.
  package let withinNoise: Int

  /// How the error grows along the depth.
  package let growth: ErrorGrowth

  /// How the weights of both sides compare; `nil` where only one side has any.
  package let weights: WeightAgreement?

  /// How the layers' options of both sides compare; `nil` where only one side is a network.
  package let functions: FunctionAgreement?

  /// Whether the outputs name the same classes.
  package let agreement: OutputAgreement?

  /// What the file does not tell, and what was taken for it.
  package let assumptions: [Assumption]

  /// What a reader should know beside the figures.
  package let notes: [String]
}

extension Comparison.Outcome {
  /// Whether every layer is within its limit, and weights and functions agree.
  var passes: Bool { failed == 0 && weights?.agrees ?? true && functions?.agrees ?? true }

  private var failed: Int { layers.count { !$0.passes } }

  /// What the comparison says as a whole.
  package var verdict: Verdict {
    let failed = failed
    let worst = layers.max { ($0.timesLimit, $1.node) < ($1.timesLimit, $0.node) }
    let largestError = layers.map(\.largestError).max() ?? 0
    return Verdict(
      passes: passes,
      compared: layers.count,
      selection: pattern.map { .init(pattern: $0.text, layers: graph.nodes.count - 1) },
      failed: failed, worst: worst, culprit: culprit, passingLimit: roundedUp(largestError),
      isWithinNoise: layers.allSatisfy(\.isWithinNoise),
      withinNoise: layers.count { $0.isWithinNoise }, growth: growth, weights: weights,
      functions: functions,
      agreement: agreement, assumptions: assumptions, notes: notes)
  }
}

extension LayerComparison {
  /// Whether the layer differs by no more than float32 arithmetic in another order gives, and no
  /// channel by more than its limit.
  package var isWithinNoise: Bool { largestLayerError <= Limits.float32Noise && passes }
}

/// A value rounded up to two significant digits.
func roundedUp(_ value: Double) -> Double {
  guard value > 0, value.isFinite else { return value }
  let text = scientific(value, digits: 2)
  guard let rounded = Double(text) else { return value }
  guard rounded < value else { return rounded }
  // Rounded down: one unit of the second digit more.
  let exponent = text.split(separator: "e").last ?? "0"
  return Double(scientific(rounded + (Double("1e\(exponent)") ?? 0) / 10, digits: 2)) ?? value
}
