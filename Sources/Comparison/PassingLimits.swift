import Families
import ResNetV2

/// From which limit on a comparison passes: what is left of it where only verdicts are kept.
package struct PassingLimits: Hashable, Sendable, Encodable {
  /// The smallest limit of all layers with which the comparison passes; infinite where it passes with none.
  package let passes: Double

  /// The smallest limit under which the measurements decide that.
  package let decides: Double
}

extension Comparison.Outcome {
  /// The same as ``judged(under:)`` finds for one limit of all layers, for all such limits at once.
  package var passingLimits: PassingLimits {
    let agrees = weights?.agrees ?? true && functions?.agrees ?? true
    let passes = agrees ? layers.map(\.smallestLimit).max() ?? 0 : .infinity
    let measured = measuredLimits ?? limits
    var decides = layers.map { smallestDecidedLimit(of: $0, measuredUnder: measured) }.max() ?? 0
    // Definitions were compared by these; what differs within them may be more than a narrower limit allows.
    func definitions(_ usual: Double) -> Double {
      guard definitionsFollowLimits else { return usual }
      return graph.nodes.dropFirst().map { node in
        measured.limit(
          name: node.name, familyName: layerNames.name(of: node.name), isolated: true)
      }.max() ?? 0
    }
    if weights?.rounded ?? 0 > 0 { decides = max(decides, definitions(Limits.float32Noise)) }
    if functions != nil, !differingOptions.isEmpty {
      decides = max(decides, definitions(Limits.float32))
    }
    return PassingLimits(passes: passes, decides: decides)
  }

  /// The smallest limit under which it is known of a layer whether its channels pass: they were excused by what its inputs
  /// might have been off by under the limits of the measurement.
  private func smallestDecidedLimit(
    of layer: LayerComparison, measuredUnder measured: Limits
  ) -> Double {
    let lacked = graph.nodes[layer.node].inputs.filter { $0 > 0 && lacking.contains($0) }
    let ofInputs = lacked.map { input in
      let name = graph.nodes[input].name
      return measured.limit(name: name, familyName: layerNames.name(of: name), isolated: false)
    }
    guard let widest = ofInputs.max() else { return 0 }
    let bound = layer.propagatedBound
    return min(widest, smallest(layer.unexcusedError, bound))
  }
}

extension LayerComparison {
  /// The smallest limit of all layers with which this one passes.
  fileprivate var smallestLimit: Double {
    let propagated = max(propagated?.scaledError ?? 0, propagatedChannel?.error ?? 0)
    let isolated = max(isolated?.scaledError ?? 0, isolatedChannel?.error ?? 0)
    return max(smallest(propagated, propagatedBound), smallest(isolated, isolatedBound))
  }
}

/// The smallest limit that lets an error pass, beside what else its bound is made of.
private func smallest(_ error: Double, _ bound: LayerBound) -> Double {
  guard error.isFinite else { return .infinity }
  var result = bound
  result.standard = max(error - bound.allowance - bound.growth, 0)
  // The sum of the parts may be rounded down.
  while !result.allows(error) { result.standard += error.ulp }
  return result.standard
}
