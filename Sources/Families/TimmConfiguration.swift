import Plain
import ResNetV2

/// What `config.json` of a folder of timm's tells: the name of a network, and what its code was called with.
///
/// timm makes the network of a folder from these two alone. Read from `timm/models/_hub.py` and `_input.py` (1.0).
struct TimmConfiguration {
  private let json: JSONValue
  private let configuration: Configuration

  /// Completes a configuration that was read from the tensors.
  ///
  /// - Parameters:
  ///   - family: the family whose tensors they are.
  ///   - networks: all networks of timm that have such names and are computed.
  static func read(
    _ configuration: inout Configuration, _ json: JSONValue, of family: Family,
    networks: [(family: Family, architecture: Architecture)]
  ) -> DescriptionVerdict {
    if let problem = TransformersConfiguration.refusal(of: json) {
      return .other(problem)
    }
    guard let name = json["architecture"], name != .null else { return .silent }
    // What follows the dot tells where weights come from, not what the network is.
    let plain = name.text.map { String($0.prefix { $0 != "." }) }
    guard let network = networks.first(where: { $0.architecture.name == plain }) else {
      return .other("config.json is of \(name.words), which is another network")
    }
    let own = TimmConfiguration(json: json, configuration: configuration)
    if let problem = own.refusal { return .other(problem) }
    var told: Set<String> = []
    if let pooling = own.pooling {
      configuration.head.pooling = pooling
      // What stands beside the arguments is for people; the code makes no use of it.
      if pooling == .average || own.arguments["global_pool"] != nil {
        told.insert(Assumption.Option.pooling.rawValue)
      }
    }
    // A network may be changed after it was made: of one with other tensors the name tells nothing.
    if network.family.id == family.id, own.hasUsualHead,
      family.isNetwork(network.architecture, configuration)
    {
      told.formUnion(
        Assumption.Option.allCases.filter { $0 != .input && $0 != .pooling }.map(\.rawValue))
    }
    return .tells(told)
  }

  private var arguments: JSONValue { json["model_args"] ?? .object([:]) }

  private var hasUsualHead: Bool {
    switch configuration.head.layers.first {
    case nil: true
    case .dense: configuration.head.layers.count == 1
    default: false
    }
  }

  // MARK: - Pooling

  /// The pooling; `nil` where none is told.
  private var pooling: Configuration.Head.Pooling? {
    let told = arguments["global_pool"] ?? json["global_pool"]
    return told.flatMap(\.text).flatMap { Self.poolings[$0] }
  }

  private static let poolings = ["avg": Configuration.Head.Pooling.average, "max": .max]

  /// Why the pooling is not computed.
  private var poolingRefusal: String? {
    let told = [
      ("model_args: global_pool", arguments["global_pool"]), ("global_pool", json["global_pool"]),
    ].compactMap { key, value in value.map { (key: key, value: $0) } }
    for (key, value) in told where Self.poolings[value.text ?? ""] == nil {
      return "config.json: \(key) is \(value.words), only avg and max are computed"
    }
    if told.count > 1, told[0].value != told[1].value {
      return
        "config.json: global_pool is \(told[1].value.words), but among model_args \(told[0].value.words)"
    }
    if case .flatten = configuration.head.pooling, let (key, value) = told.first {
      return "config.json: \(key) is \(value.words), the tensors read all pixels side by side"
    }
    return json["do_pooling"] == .bool(false) && configuration.head.layers.isEmpty
      ? "config.json: do_pooling is false, only true is computed" : nil
  }

  // MARK: - Arguments

  /// What shows another network, or one that is not computed.
  private var refusal: String? {
    if let told = json["num_classes"]?.integer, configuration.head.classes > 0,
      told != configuration.head.classes
    {
      return
        "config.json: num_classes says \(told), the tensors are of \(configuration.head.classes)"
    }
    switch arguments {
    case .null: break
    case .object(let entries):
      for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
        if let problem = refusal(of: key, value) {
          return "config.json: model_args: \(key.shortened) is \(value.words), \(problem)"
        }
      }
    default: return "config.json: model_args is \(arguments.words), not names with values"
    }
    return poolingRefusal
  }

  /// Why an argument makes another network than its name and the tensors tell; `nil` where it does not.
  private func refusal(of key: String, _ value: JSONValue) -> String? {
    func tensors(_ found: [Int]) -> String? {
      let told = value.elements?.map(\.integer) ?? [value.integer]
      let words = found.map(String.init).joined(separator: ", ")
      return told == found ? nil : "the tensors are of \(words)"
    }
    func only(_ usual: JSONValue...) -> String? {
      usual.contains(value) ? nil : "only \(usual[0].words) is computed"
    }
    let head = configuration.head
    let stages = configuration.stages
    let isDeep = configuration.stem.convolutions.count > 1
    switch key {
    // Of training alone.
    case "zero_init_last": return nil
    case _ where key.hasPrefix("drop_"): return nil
    case "global_pool": return nil
    case "num_classes": return head.classes == 0 ? nil : tensors([head.classes])
    case "in_chans": return tensors([configuration.input.channels])
    // A fifth stage would be dilated.
    case "layers" where stages.count <= 4: return tensors(stages.map(\.blocks))
    case "channels" where stages.count <= 4:
      // A version-1 network multiplies them itself.
      let expansion =
        configuration.block.order == .postActivation && configuration.block.kind == .bottleneck
        ? 4 : 1
      return tensors(stages.map { $0.outputChannels / expansion })
    case "act_layer": return only(.text("relu"))
    case "output_stride": return only(.integer(32))
    case "preact": return only(.bool(configuration.block.order == .preActivation))
    case "cardinality", "width_factor": return only(.integer(1))
    case "avg_down":
      return only(.bool(configuration.shortcut.kind == .averagePoolConvolution))
    case "stem_type":
      return isDeep ? only(.text("deep"), .text("tiered")) : only(.text(""), .null)
    case "aa_layer", "block_args": return only(.null)
    case "replace_stem_pool": return only(.bool(false))
    default: return "which is not read"
    }
  }
}

extension JSONValue {
  /// The value in a sentence.
  var words: String {
    guard let text else { return json.shortened }
    return text.isEmpty ? "''" : text.shortened
  }
}

extension Family {
  /// Whether a network is a named one, but for its head and the channels that it reads.
  fileprivate func isNetwork(
    _ architecture: Architecture, _ configuration: Configuration
  ) -> Bool {
    var named = self.configuration(of: architecture, classes: 1)
    named.head = configuration.head
    named.input.channels = configuration.input.channels
    return named == configuration
  }

  /// What a folder of timm's tells of its pre-activation networks.
  @Sendable
  static func readTimm(
    _ configuration: inout Configuration, _ json: JSONValue
  ) -> DescriptionVerdict {
    let isBiT = configuration.weightStandardizationEpsilon != nil
    return TimmConfiguration.read(
      &configuration, json, of: isBiT ? .timmBiT : .timm,
      networks: [Family.timm, .timmBiT].flatMap { family in
        family.architectures.map { (family, $0) }
      })
  }

  /// What a folder of timm's tells of those of its networks that are torchvision's.
  @Sendable
  static func readTimmResNet(
    _ configuration: inout Configuration, _ json: JSONValue
  ) -> DescriptionVerdict {
    TimmConfiguration.read(
      &configuration, json, of: .torchvision,
      networks: Architecture.timmResNets.map { (.torchvision, $0) })
  }
}

extension Architecture {
  /// The networks of timm that compute what torchvision's do, under all names that timm knows them by.
  ///
  /// Others have the same tensors, and filters (`resnetblur50`, `resnetaa50`) or functions of their own. Read from
  /// `timm/models/resnet.py`.
  fileprivate static let timmResNets: [Architecture] = {
    let plain = [18, 34, 50, 101, 152, 200].compactMap { standard($0, name: "resnet\($0)") }
    let renamed = [
      ("tv_resnet", "", [34, 50, 101, 152]), ("ssl_resnet", "", [18, 50]),
      ("swsl_resnet", "", [18, 50]), ("gluon_resnet", "_v1b", [18, 34, 50, 101, 152]),
    ].flatMap { start, end, depths in
      depths.compactMap { standard($0, name: "\(start)\($0)\(end)") }
    }
    let others = [
      Architecture(name: "resnet26", kind: .bottleneck, blocks: [2, 2, 2, 2])
    ]
    let wide = [50, 101].compactMap { depth -> Architecture? in
      var network = standard(depth, name: "wide_resnet\(depth)_2")
      network?.channels = [128, 256, 512, 1024].map { (inner: $0, output: 2 * $0) }
      return network
    }
    return plain + renamed + others + wide
  }()
}
