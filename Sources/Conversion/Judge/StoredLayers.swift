import Comparison
import Families
import Plain
import ResNetV2
import Tensors

/// The layers of a JSON report, each held against the network.
struct StoredLayers {
  private let network: StoredNetwork
  private let limits: Limits
  private let shapes: [Shape]

  /// - Parameter shapes: of every node for the first input.
  init(_ network: StoredNetwork, _ limits: Limits, _ shapes: [Shape]) {
    (self.network, self.limits, self.shapes) = (network, limits, shapes)
  }

  /// - Parameters:
  ///   - images: how many went in.
  ///   - batch: how many of them with the first input.
  func layers(
    _ layers: StoredValue, images: Int, batch: Int
  ) throws(FormatFault) -> [LayerComparison] {
    var last = 0
    let result = try layers.list { value throws(FormatFault) in
      let layer = try layer(value)
      guard layer.node > last else {
        throw value["name"].fault("layers in the order of the network were expected")
      }
      last = layer.node
      if let values = layer.propagated?.count {
        let (all, overflow) = layer.shape.elementCount.multipliedReportingOverflow(by: images)
        let (ours, overflow2) = values.multipliedReportingOverflow(by: batch)
        guard !overflow, !overflow2, all == ours else {
          throw value["propagated"]["count"].fault("the values of all images were expected")
        }
      }
      return layer
    }
    guard !result.isEmpty else { throw layers.fault("a layer was expected") }
    return result
  }

  private func layer(_ value: StoredValue) throws(FormatFault) -> LayerComparison {
    let node = try network.node(value["name"])
    let name = network.graph.nodes[node].name
    let problem = try value["problem"].optional { value throws(FormatFault) in try value.text() }
    // Only a value that could not be paired may have a shape of its own.
    let shape =
      problem == nil
      ? network.layerNames.layout.shape(of: shapes[node]) : try value["shape"].shape()
    func bound(_ mode: StoredValue, isolated: Bool, growth: Double) throws(FormatFault)
      -> LayerBound
    {
      let allowance = try mode.optional { value throws(FormatFault) in
        try value["allowance"].magnitude()
      }
      return LayerBound(
        limits.limit(
          name: name, familyName: network.layerNames.name(of: name), isolated: isolated),
        allowance: allowance ?? 0, growth: growth)
    }
    let channels = shape.rank > 1 ? shapes[node].dimensions.last ?? 0 : 0
    let propagated = try value["propagated"].optional { value throws(FormatFault) in
      try measured(value, channels: channels)
    }
    let isolated = try value["isolated"].optional { value throws(FormatFault) in
      try measured(value, channels: channels)
    }
    guard propagated != nil || isolated != nil else {
      throw value["propagated"].fault("figures of one mode were expected")
    }
    // What excuses a difference makes no channel worse.
    let excused = propagated?.channel?.error ?? 0
    guard try value["unexcusedError"].magnitude() >= excused else {
      throw value["unexcusedError"].fault("no less than that of the worst channel was expected")
    }
    let unpaired = [propagated, isolated].contains {
      $0.map { $0.statistics.nonFinite.mismatched > 0 } ?? false
    }
    guard problem == nil || unpaired else {
      throw value["problem"].fault("values that could not be paired were expected")
    }
    return LayerComparison(
      node: node, of: network.graph, names: network.layerNames, shape: shape,
      propagatedBound: try bound(
        value["propagated"], isolated: false, growth: try value["growth"].magnitude()),
      isolatedBound: try bound(value["isolated"], isolated: true, growth: 0),
      propagated: propagated, isolated: isolated,
      unexcusedError: try value["unexcusedError"].magnitude(), problem: problem)
  }

  private func measured(
    _ mode: StoredValue, channels: Int
  ) throws(FormatFault) -> LayerComparison.Measured {
    let maximum = try mode["maxAbs"].figure()
    let sums = mode["sums"]
    // Reports were judged before they could have this.
    let ulp = mode["ulp"]
    let largestULP =
      ulp.exists
      ? try ulp.optional { value throws(FormatFault) in try value["largest"].count() } : nil
    let statistics = DifferenceStatistics(
      count: try mode["count"].count(),
      // No pair could be measured.
      maximum: maximum.isNaN ? 0 : maximum,
      maximumIndex: try mode["maxAbsIndex"].optional { value throws(FormatFault) in
        try value.count()
      },
      maximumReference: try mode["maxReference"].magnitude(),
      overLimit: try mode["overLimit"].optional { value throws(FormatFault) in try value.count() },
      nonFinite: try NonFiniteCounts(mode["notFinite"]),
      acceptsNotFinite: try mode["acceptsNotFinite"].flag(),
      largestULP: largestULP,
      sums: .init(
        differences: try sums["differences"].figure(),
        squaredDifferences: try sums["squaredDifferences"].figure(),
        squaredReferences: try sums["squaredReferences"].figure(),
        products: try sums["products"].figure()))
    guard let statistics else { throw mode.fault("figures of values were expected") }
    let channel = try mode["worstChannel"].optional { value throws(FormatFault) in
      let channel = ChannelError(
        channel: try value["channel"].count(), error: try value["error"].magnitude(),
        difference: try value["maxAbs"].magnitude(),
        largest: try value["maxReference"].magnitude())
      guard channel.channel < channels else {
        throw value["channel"].fault("a channel was expected")
      }
      return channel
    }
    return (statistics, channel)
  }
}

extension NonFiniteCounts {
  fileprivate init(_ counts: StoredValue) throws(FormatFault) {
    self.init()
    candidateNaN = try counts["candidateNaN"].count()
    referenceNaN = try counts["referenceNaN"].count()
    candidateInfinite = try counts["candidateInfinite"].count()
    referenceInfinite = try counts["referenceInfinite"].count()
    pairs = try counts["pairs"].count()
    mismatched = try counts["mismatched"].count()
  }
}
