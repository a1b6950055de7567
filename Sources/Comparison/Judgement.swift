import Families
import Plain
import ResNetV2
import Tensors

extension Comparison.Outcome {
  /// The same measurements under other limits.
  ///
  /// Errors are what they were; which of them pass, the culprit and what follows from it are found anew. What was
  /// only measured for the old limits is left out: how many values are over them, and a cause that was found for
  /// another culprit. A channel's errors rest on the old limits where the reference lacks what the layer reads: such a
  /// layer is not let pass under narrower ones.
  ///
  /// - Parameter change: makes the new limits of those that count now.
  /// - Throws: ``JudgementError`` where the measurements do not decide it.
  package func judged(
    under change: (_ limits: inout Limits) -> Void
  ) throws(JudgementError) -> Comparison.Outcome {
    var result = self
    change(&result.limits)
    // Whether channels were measured does not change any more.
    result.limits.judgesChannels = limits.judgesChannels
    guard result.limits != limits else { return self }
    let measured = measuredLimits ?? limits
    result.measuredLimits = result.limits == measured ? nil : measured
    result.suspectedNode = suspectedNode ?? culprit?.node
    result.layers = layers.map { $0.judged(under: result.limits) }
    if let layer = result.layers.first(where: { result.isUndecided($0, measuredUnder: measured) }) {
      throw .lackingInput(of: layer.displayName)
    }
    if result.passes {
      let isExact = (weights?.rounded ?? 0) == 0
      guard isExact || !result.isNarrower(than: Limits.float32Noise, measured) else {
        throw .toleratedWeights
      }
      let isSame = functions == nil || differingOptions.isEmpty
      guard isSame || !result.isNarrower(than: Limits.float32, measured) else {
        throw .toleratedOptions
      }
    }
    return result
  }

  /// Whether a layer has a limit below that by which its weights or options were compared.
  ///
  /// - Parameter usual: what those are compared by where no limits were asked for.
  private func isNarrower(than usual: Double, _ measured: Limits) -> Bool {
    graph.nodes.dropFirst().contains { node in
      let familyName = layerNames.name(of: node.name)
      func limit(_ limits: Limits) -> Double {
        limits.limit(name: node.name, familyName: familyName, isolated: true)
      }
      return limit(limits) < (definitionsFollowLimits ? limit(measured) : usual)
    }
  }

  /// Whether a layer passes though its channels were excused by what its inputs might have been off by under wider
  /// limits.
  private func isUndecided(_ layer: LayerComparison, measuredUnder measured: Limits) -> Bool {
    guard layer.passes, layer.unexcusedError > layer.propagatedLimit else { return false }
    return graph.nodes[layer.node].inputs.contains { input in
      guard input > 0, lacking.contains(input) else { return false }
      let name = graph.nodes[input].name
      let familyName = layerNames.name(of: name)
      return limits.limit(name: name, familyName: familyName, isolated: false)
        < measured.limit(name: name, familyName: familyName, isolated: false)
    }
  }

  /// What is known of the cause of a layer's error: a cause that was found under other limits must hold under these.
  func suspicion(of layer: LayerComparison) -> Suspicion? {
    guard let suspectedNode else { return suspicion }
    guard suspectedNode == layer.node else { return nil }
    let explains = (suspicion?.scaledError ?? 0) <= layer.isolatedLimit
    return measuredLimits == nil || explains ? suspicion : nil
  }

  /// What limits under which nothing was measured leave open.
  var judgementNotes: [String] {
    var notes: [String] = []
    if layers.contains(where: { $0.lacksOverLimit }) {
      notes.append(
        "judged from a stored comparison, under other limits than it was measured with: how many values of a layer "
          + "are over them is not known")
    }
    guard let measured = measuredLimits else { return notes }
    if let culprit, culprit.suspicion == nil {
      notes.append(
        suspicion.flatMap { _ in suspectedNode }.map {
          "the cause that was found of \(displayName(of: $0)) does not explain this; it was not looked for again"
        } ?? "the cause was not looked for under these limits; rnw verify does")
    }
    if !measured.judgesChannels {
      notes.append("channels were not judged in their own units, as weights were rounded")
    }
    let strict = layers.first {
      let limit = min($0.propagatedLimit, $0.isolatedLimit)
      return !$0.passes && $0.largestLayerError <= limit && limit < Limits.float32Noise
    }
    if let strict {
      notes.append(
        "what rounding explains of a channel was measured down to \(Limits.float32Noise): \(strict.displayName) may "
          + "be judged too strictly")
    }
    return notes
  }
}

extension LayerComparison {
  /// The layer under other limits.
  fileprivate func judged(under limits: Limits) -> LayerComparison {
    var result = self
    func limit(isolated: Bool) -> Double {
      limits.limit(name: name, familyName: familyName, isolated: isolated)
    }
    result.propagatedBound.standard = limit(isolated: false)
    result.isolatedBound.standard = limit(isolated: true)
    if result.propagatedLimit != propagatedLimit { result.propagated?.forgetOverLimit() }
    if result.isolatedLimit != isolatedLimit { result.isolated?.forgetOverLimit() }
    return result
  }

  fileprivate var lacksOverLimit: Bool {
    [propagated, isolated].contains { $0.map { $0.overLimit == nil } ?? false }
  }
}

/// Why measurements do not decide a verdict under other limits.
package enum JudgementError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A layer passes though it reads what was not compared.
  case lackingInput(of: String)
  /// Weights passed that differ by up to the wider limits.
  case toleratedWeights
  /// Options passed that differ by up to the wider limits.
  case toleratedOptions

  /// What is not decided, in a few words.
  package var description: String {
    switch self {
    case .lackingInput(let layer):
      "\(layer) reads what the reference lacks, and what that may be off by rests on wider limits"
    case .toleratedWeights:
      "weights that are not the same to the bit were compared by wider limits"
    case .toleratedOptions:
      "options that are not the same were compared by wider limits"
    }
  }
}
