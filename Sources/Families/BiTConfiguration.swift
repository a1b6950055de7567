import Plain
import ResNetV2

/// What `config.json` of Hugging Face's BiT tells of a network beyond its tensors, and where the two differ.
///
/// Read from `transformers/models/bit/configuration_bit.py` and `modeling_bit.py` (5.24).
struct BiTConfiguration {
  private let json: JSONValue

  /// The options that it tells, so that they need not be assumed.
  static let told = Set(
    [
      Assumption.Option.activation, .pooling, .hiddenActivation, .stageStrides, .stridedBlock,
      .stemPool, .groups, .padding, .arithmetic,
    ].map(\.rawValue))

  /// Completes a configuration that was read from the tensors; returns what contradicts it, or is not computed.
  @Sendable
  static func complete(_ configuration: inout Configuration, _ json: JSONValue)
    -> DescriptionVerdict
  {
    guard let type = json["model_type"]?.text else {
      return json["architecture"] == nil
        ? .silent : TransformersConfiguration.readOther(&configuration, json)
    }
    guard type == "bit" else {
      return .other("config.json is of the model_type \(type), not bit")
    }
    let own = BiTConfiguration(json: json)
    if let problem = own.refusal ?? own.difference(from: configuration) { return .other(problem) }
    if case .group(_, let epsilon) = configuration.norm {
      configuration.norm = .group(count: own.groups, epsilon: epsilon)
    }
    // The library counts a stem as 4, and its pre-activation blocks take no dilation: stages only lose their strides.
    var shrunk = 4
    for index in configuration.stages.indices {
      let stride = index == 0 || shrunk >= own.outputStride ? 1 : 2
      configuration.stages[index].stride = stride
      shrunk *= stride
    }
    return .tells(told)
  }

  private var outputStride: Int { json["output_stride"]?.integer ?? 32 }

  private var groups: Int { json["num_groups"]?.integer ?? 32 }

  /// What no network of the family has.
  private var refusal: String? {
    func differs(_ key: String, _ usual: String) -> String? {
      guard let value = json[key], value.text != usual else { return nil }
      return "config.json: \(key) is \(value.text ?? "no text"), only \(usual) is computed"
    }
    if let problem = differs("layer_type", "preactivation") ?? differs("hidden_act", "relu") {
      return problem
    }
    if let padding = json["global_padding"], padding != .null {
      return "config.json: global_padding is \(padding.text ?? "no text"), only null is computed"
    }
    if json["embedding_dynamic_padding"] == .bool(true) {
      return "config.json: embedding_dynamic_padding is true, only false is computed"
    }
    if !(1...Self.mostGroups).contains(outputStride) {
      return "config.json: output_stride is \(outputStride), not within 1…\(Self.mostGroups)"
    }
    return (1...Self.mostGroups).contains(groups)
      ? nil : "config.json: num_groups is \(groups), not within 1…\(Self.mostGroups)"
  }

  private static let mostGroups = 1 << 20

  /// Where the tensors are those of another network; what is absent has the usual value, or is not compared.
  private func difference(from configuration: Configuration) -> String? {
    func integers(_ key: String, _ usual: [Int]) -> [Int?] {
      json[key]?.elements.map { $0.map(\.integer) } ?? usual
    }
    func differ(_ key: String, _ told: [Int?], _ found: [Int]) -> String? {
      guard told != found else { return nil }
      func list(_ values: [Int?]) -> String {
        values.map { $0.map(String.init) ?? "no number" }.joined(separator: ", ")
      }
      return "config.json: \(key) says \(list(told)), the tensors are of \(list(found))"
    }
    let factor = json["width_factor"]?.integer ?? 1
    let widths = integers("hidden_sizes", [256, 512, 1024, 2048]).map { size in
      size.flatMap { BiTConfiguration.madeDivisible($0, times: factor) }
    }
    let labels: Int?
    if case .object(let names)? = json["id2label"] {
      labels = names.count
    } else {
      labels = json["num_labels"]?.integer
    }
    let classes = configuration.head.classes
    return differ("depths", integers("depths", [3, 4, 6, 3]), configuration.stages.map(\.blocks))
      ?? differ("hidden_sizes", widths, configuration.stages.map(\.outputChannels))
      ?? differ(
        "embedding_size", [json["embedding_size"]?.integer ?? 64],
        configuration.stem.convolutions.map(\.outputChannels))
      ?? differ(
        "num_channels", [json["num_channels"]?.integer ?? 3], [configuration.input.channels])
      ?? (classes > 0 ? labels.flatMap { differ("id2label", [$0], [classes]) } : nil)
  }

  /// A width times a factor, brought to a multiple of 8 as the library does it; `nil` for one that cannot be.
  private static func madeDivisible(_ size: Int, times factor: Int) -> Int? {
    let (value, overflow) = size.multipliedReportingOverflow(by: factor)
    guard !overflow, (1...Int(1 << 40)).contains(value) else { return nil }
    let rounded = max(8, (value + 4) / 8 * 8)
    return Double(rounded) < 0.9 * Double(value) ? rounded + 8 : rounded
  }
}

/// What a description says of a network that was read from tensors.
enum DescriptionVerdict {
  /// Nothing that is known.
  case silent
  /// It is another network, or one that is not computed: what shows it.
  case other(String)
  /// These options, which then need not be assumed.
  case tells(Set<String>)
}
