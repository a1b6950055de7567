package import Plain
package import ResNetV2
package import Tensors

/// What a user says of a network where its file is silent.
package struct Told: Hashable, Sendable {
  /// The last activation: a function, or none.
  package var activation: LastActivation?
  /// What follows the feature map.
  package var pooling: PoolingKind?
  /// The ε of the norms.
  package var epsilon: Double?
  /// What the input is multiplied by: one number, or one for each channel.
  package var inputScale: [Double] = []
  /// What is then added.
  package var inputOffset: [Double] = []
  /// The tensors that are left out, by patterns of their names.
  package var ignored: [Glob] = []
  /// Other options, by their place.
  package var settings: [Setting] = []
  /// What the tensors are called, where no family knows their names.
  package var rules: Rules?

  /// Says nothing.
  package init() {}

  /// The last activation.
  package enum LastActivation: Hashable, Sendable {
    case none
    case function(ActivationFunction)
  }

  /// A pooling, by its kind alone.
  package enum PoolingKind: String, Hashable, Sendable, CaseIterable {
    case average, max, flatten, none
  }

  /// An option by its place in the configuration's JSON form.
  package struct Setting: Hashable, Sendable {
    package let path: String
    package let value: String

    package init(path: String, value: String) {
      self.path = path
      self.value = value
    }
  }

  /// Whether nothing is said of the network; what is left out of a file is another matter.
  package var isEmpty: Bool { options.isEmpty && settings.isEmpty }

  /// The options that are told, by the names of assumptions.
  package var options: Set<String> {
    var options = Set(settings.map { Assumption.option(ofPlace: $0.path) })
    if activation != nil { options.insert(Assumption.Option.activation.rawValue) }
    if pooling != nil { options.insert(Assumption.Option.pooling.rawValue) }
    if epsilon != nil { options.insert(Assumption.Option.epsilon.rawValue) }
    if !inputScale.isEmpty || !inputOffset.isEmpty {
      options.insert(Assumption.Option.input.rawValue)
    }
    return options
  }

  /// Whether an option is told.
  package func tells(_ assumption: Assumption) -> Bool { options.contains(assumption.option) }

  /// What is said, for the file's records.
  package var record: [String: String] {
    var record = Dictionary(settings.map { ($0.path, $0.value) }) { $1 }
    switch activation {
    case .function(let function): record["head.activation"] = function.title
    case .some(.none): record["head.activation"] = "none"
    case nil: break
    }
    record["head.pooling"] = pooling?.rawValue
    record["norm.epsilon"] = epsilon.map { "\($0)" }
    func list(_ numbers: [Double]) -> String? {
      numbers.isEmpty ? nil : numbers.map { "\($0)" }.joined(separator: ",")
    }
    record["input.scale"] = list(inputScale)
    record["input.offset"] = list(inputOffset)
    return record
  }
}

extension Told {
  /// A configuration with what is told in it.
  ///
  /// - Throws: `ConfigurationError` where the network has no such option.
  package func applied(
    to configuration: Configuration
  ) throws(ConfigurationError) -> Configuration {
    var result = configuration
    if let epsilon { result.norm = result.norm.with(epsilon: epsilon) }
    for setting in settings where setting.removedLayer == nil {
      result = try result.setting(setting.path, to: setting.value)
    }
    for index in settings.compactMap(\.removedLayer).sorted(by: >) {
      try result.head.removeActivation(at: index)
    }
    if let pooling { result.head.pooling = try pooling.value(in: result) }
    if let activation { activation.end(&result.head) }
    if !inputScale.isEmpty || !inputOffset.isEmpty {
      result.input.scale = try perChannel(inputScale, usual: 1, "--input-scale", result)
      result.input.offset = try perChannel(inputOffset, usual: 0, "--input-offset", result)
    }
    return result
  }

  /// A number for each channel; none where they change nothing.
  private func perChannel(
    _ values: [Double], usual: Double, _ name: String, _ configuration: Configuration
  ) throws(ConfigurationError) -> [Double] {
    let channels = configuration.input.channels
    guard values.count <= 1 || values.count == channels else {
      throw ConfigurationError("\(name) has \(values.count) numbers for \(channels) channels")
    }
    guard values.contains(where: { $0 != usual }) else { return [] }
    return values.count == 1 ? Array(repeating: values[0], count: channels) : values
  }
}

extension Told.LastActivation {
  fileprivate func end(_ head: inout Configuration.Head) {
    if head.lastActivation != nil { head.layers.removeLast() }
    if case .function(let function) = self { head.layers.append(.activation(function)) }
  }
}

extension Told.PoolingKind {
  fileprivate func value(
    in configuration: Configuration
  ) throws(ConfigurationError) -> Configuration.Head.Pooling {
    switch self {
    case .average: return .average
    case .max: return .max
    case .none: return .none
    case .flatten:
      guard case .flatten = configuration.head.pooling else {
        throw ConfigurationError(
          "the dense layer reads one value of each channel: nothing is flattened")
      }
      return configuration.head.pooling
    }
  }
}

extension Told.Setting {
  /// The place in the head's list of a function that is told not to be there.
  fileprivate var removedLayer: Int? {
    guard ["none", "linear"].contains(value), path.hasPrefix("head.layers["),
      path.hasSuffix("].activation")
    else { return nil }
    return Int(path.dropFirst("head.layers[".count).dropLast("].activation".count))
  }
}

extension Configuration.Head {
  fileprivate mutating func removeActivation(at index: Int) throws(ConfigurationError) {
    guard layers.indices.contains(index), case .activation = layers[index] else {
      throw ConfigurationError("there is no head.layers[\(index)].activation")
    }
    layers.remove(at: index)
  }
}

extension Configuration.Norm {
  fileprivate func with(epsilon: Double) -> Configuration.Norm {
    switch self {
    case .batch: .batch(epsilon: epsilon)
    case .group(let count, _): .group(count: count, epsilon: epsilon)
    }
  }
}

extension Assumption {
  /// The option that a place in the configuration's JSON form is, or is part of.
  fileprivate static func option(ofPlace place: String) -> String {
    if place.hasPrefix("head.layers[") {
      // A function may have a number of its own below it.
      let parts = place.split(separator: ".")
      return parts.prefix(parts.firstIndex(of: "activation").map { $0 + 1 } ?? parts.count)
        .joined(separator: ".")
    }
    let plain = place.split(separator: ".").map { $0.prefix { $0 != "[" } }.joined(separator: ".")
    let option: Option? =
      switch plain {
      case "outputStride": .stageStrides
      case _ where plain.hasPrefix("stem.pool"): .stemPool
      case "stem.convolutions.stride": .stemStride
      case _ where plain.hasPrefix("norm.group.count"): .groups
      case _ where plain.hasPrefix("norm"): .epsilon
      case _ where plain.hasPrefix("input"), "reversesInputChannels": .input
      default: Option(rawValue: plain)
      }
    return option?.rawValue ?? place
  }
}
