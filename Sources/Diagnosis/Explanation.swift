import Comparison

/// A mistake in words, for either side of a comparison that may have made it.
struct Explanation {
  /// What is wrong with the network, or what should be instead.
  let ofNetwork: String
  /// What the engine does otherwise than the network, following "your LAYER".
  let ofEngine: String

  init(_ ofNetwork: String, engine ofEngine: String) {
    self.ofNetwork = ofNetwork
    self.ofEngine = ofEngine
  }
}

extension Diagnosis {
  /// The words for the side that is on trial.
  func words(_ explanation: Explanation) -> String {
    isOfEngine ? explanation.ofEngine : explanation.ofNetwork
  }

  /// The words for the side that is on trial.
  func words(_ ofNetwork: String, engine ofEngine: String) -> String {
    isOfEngine ? ofEngine : ofNetwork
  }

  /// Whether the values of an engine are on trial: then the network is right, and its layer is changed until it gives the
  /// engine's value.
  var isOfEngine: Bool { comparison.trial == .values }
}
