import Comparison
import Families
import Plain
import ResNetV2
import Tensors

/// The comparison of a JSON report, made of the measurements that it keeps.
///
/// What follows from them, such as the verdict, is not taken from the report.
struct StoredComparison {
  let outcome: Comparison.Outcome

  /// - Throws: `FormatFault` for the first value that is not as it should be.
  init(_ report: StoredValue) throws(FormatFault) {
    let network = try StoredNetwork(report["network"])
    let names = network.names.utf8.count
    let limits = try Limits(report["limits"], names: names)
    let measured = try report["measuredLimits"].optional { value throws(FormatFault) in
      try Limits(value, names: names)
    }
    let inputShape = try report["inputShape"].shape()
    guard let shapes = try? network.graph.shapes(for: inputShape) else {
      throw report["inputShape"].fault("an input of the network was expected")
    }
    let layers = try StoredLayers(network, limits, shapes)
      .layers(report["layers"], images: try report["images"].count(), batch: inputShape[0])
    guard let trial = Comparison.Side(rawValue: try report["trial"].text()) else {
      throw report["trial"].fault("network or values was expected")
    }
    var outcome = Comparison.Outcome(
      graph: network.graph, layerNames: network.layerNames, trial: trial, layers: layers,
      lacking: Set(try report["lacking"].list(network.node)),
      coverage: try Coverage(report, trial), agreement: try OutputAgreement(report["output"]),
      images: try report["images"].count(), inputShape: inputShape,
      pattern: try report["selection"].optional { value throws(FormatFault) in
        Glob(try value["pattern"].text())
      },
      sleeping: try SleepingChannels(report["sleepingChannels"], network),
      hasConstantOutput: try report["hasConstantOutput"].flag(), limits: limits,
      measuredLimits: measured,
      suspectedNode: try report["suspicion"].optional { value throws(FormatFault) in
        try network.node(value["layer"])
      })
    outcome.suspicion = try report["suspicion"].optional { value throws(FormatFault) in
      Suspicion(
        explanation: try value["explanation"].text(),
        scaledError: try value["scaledError"].optional { value throws(FormatFault) in
          try value.magnitude()
        })
    }
    outcome.weights = try report["weights"].optional { value throws(FormatFault) in
      try WeightAgreement(value)
    }
    outcome.functions = try report["functions"].optional { value throws(FormatFault) in
      try FunctionAgreement(value)
    }
    outcome.searchedSeconds = try report["searchedSeconds"].optional { value throws(FormatFault) in
      try value.magnitude()
    }
    outcome.halfPrecision = try report["halfPrecision"].optional { value throws(FormatFault) in
      try value.text()
    }
    outcome.differingOptions = try report["differingOptions"].list { value throws(FormatFault) in
      try value.text()
    }
    outcome.definitionsFollowLimits = try report["definitionsFollowLimits"].flag()
    outcome.remarks = try report["remarks"].list { value throws(FormatFault) in try value.text() }
    outcome.assumptions = try report["assumptions"].list { value throws(FormatFault) in
      Assumption(option: try value["option"].text(), value: try value["value"].text())
    }
    self.outcome = outcome
  }
}

/// The network that was compared.
struct StoredNetwork {
  let graph: Graph
  let layerNames: LayerNames

  /// All names of layers together, by which patterns are bounded.
  let names: String

  init(_ network: StoredValue) throws(FormatFault) {
    let value = network["configuration"]
    let text = try value.json()
    do {
      graph = try Graph(RecordCoding.record(Configuration.self, from: text))
    } catch {
      throw value.fault("the options of a network were expected")
    }
    guard let layout = LayerNames.Layout(rawValue: try network["layout"].text()) else {
      throw network["layout"].fault("nhwc or nchw was expected")
    }
    var familyNames: [String: String] = [:]
    for (name, value) in try network["familyNames"].entries() {
      guard graph.index(of: name) != nil else { throw value.fault("the network has no such layer") }
      familyNames[name] = try value.text()
    }
    layerNames = LayerNames(layout: layout, names: familyNames, folded: [])
    names = graph.nodes.map(\.name).joined() + familyNames.values.joined()
  }

  /// The node that a value names.
  func node(_ name: StoredValue) throws(FormatFault) -> Int {
    guard let node = graph.index(of: try name.text()), node > 0 else {
      throw name.fault("a layer of the network was expected")
    }
    return node
  }
}

extension Limits {
  /// The most pairs of a character of a pattern and one of a name: more take longer than anybody waits.
  private static let maximumMatching = 1 << 30

  fileprivate init(_ limits: StoredValue, names: Int) throws(FormatFault) {
    self.init(
      standard: try limits["propagated"].limit(),
      overrides: try limits["overrides"].list { value throws(FormatFault) in
        Override(
          layers: Glob(try value["layers"].text()), limit: try value["limit"].limit())
      })
    isolated = try limits["isolated"].limit()
    judgesChannels = try limits["judgesChannels"].flag()
    let patterns = overrides.reduce(0) { $0 + $1.layers.text.utf8.count }
    guard patterns <= Self.maximumMatching / max(names, 1) else {
      throw limits["overrides"].fault("fewer and shorter patterns were expected")
    }
  }
}

extension Coverage {
  fileprivate init(_ report: StoredValue, _ trial: Comparison.Side) throws(FormatFault) {
    self.init(
      folded: try report["folded"].list { value throws(FormatFault) in
        Folded(name: try value["name"].text(), into: try value["into"].text())
      },
      missing: try report["missing"].list { value throws(FormatFault) in try value.text() },
      unknown: try report["unknown"].list { value throws(FormatFault) in try value.text() },
      trial: trial)
  }
}

extension SleepingChannels {
  fileprivate init(_ channels: StoredValue, _ network: StoredNetwork) throws(FormatFault) {
    self.init(
      asleep: try channels["asleep"].count(), count: try channels["count"].count(),
      layers: try channels["layers"].list(network.node))
    guard asleep <= count else { throw channels.fault("no more than all channels were expected") }
  }
}

extension OutputAgreement {
  /// `nil` where there were no classes to compare.
  fileprivate init?(_ output: StoredValue) throws(FormatFault) {
    let images = try output["images"].optional { value throws(FormatFault) in try value.count() }
    guard let images else { return nil }
    func classes(_ value: StoredValue) throws(FormatFault) -> [Int] {
      try value.list { value throws(FormatFault) in try value.count() }
    }
    self.init(
      images: images, listLength: try output["listLength"].count(),
      sameFirst: try output["sameTop1"].count(), sameList: try output["sameTop5"].count(),
      disagreements: try output["disagreements"].list { value throws(FormatFault) in
        Disagreement(
          image: try value["image"].count(), candidate: try classes(value["candidate"]),
          reference: try classes(value["reference"]))
      })
    guard images > 0, sameFirst <= images, sameList <= images,
      images - min(sameFirst, sameList) >= disagreements.count
    else { throw output.fault("no more than all images were expected") }
  }
}

extension WeightAgreement {
  fileprivate init(_ weights: StoredValue) throws(FormatFault) {
    let different = try weights["different"].list { value throws(FormatFault) in
      let shape = try value["shape"].shape()
      let tensor = DifferentTensor(
        name: try value["name"].text(), shape: shape, channels: try value["channels"].count(),
        firstChannel: try value["firstChannel"].count(), error: try value["error"].figure())
      let all = shape.rank > 0 ? shape[0] : 1
      guard tensor.channels <= all, tensor.firstChannel < max(all, 1), shape.rank > 0 else {
        throw value.fault("channels of its shape were expected")
      }
      return tensor
    }
    self.init(
      compared: try weights["compared"].count(), identical: try weights["identical"].count(),
      rounded: try weights["rounded"].count(), different: different)
    let (sum, overflow) = identical.addingReportingOverflow(rounded)
    guard !overflow, sum <= compared, compared - sum == different.count else {
      throw weights.fault("as many tensors were expected as were compared")
    }
  }
}

extension FunctionAgreement {
  fileprivate init(_ functions: StoredValue) throws(FormatFault) {
    self.init(
      compared: try functions["compared"].count(),
      different: try functions["different"].list { value throws(FormatFault) in
        DifferentLayer(
          name: try value["name"].text(), explanation: try value["explanation"].text())
      })
  }
}
