import ResNetV2

// Rules as JSON: {"schema": "rnw.rules/1", "family": "keras", "rules": [{"match": …, "name": …}, …]}.

extension Rules: Decodable {
  static let schema = "rnw.rules/1"

  private enum Key: String, CodingKey, CaseIterable {
    case schema, family, rules
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let schema = try values.decode(String.self, forKey: .schema)
    guard schema == Self.schema else {
      throw DecodingError.dataCorruptedError(
        forKey: .schema, in: values, debugDescription: "the schema is not \(Self.schema)")
    }
    self.init(
      rules: try values.decode([Rule].self, forKey: .rules),
      family: try values.decodeIfPresent(String.self, forKey: .family))
    guard !rules.isEmpty, Set(rules.map(\.match)).count == rules.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .rules, in: values,
        debugDescription: rules.isEmpty ? "there is no rule" : "two rules match the same")
    }
    if let family, Family.named(family) == nil {
      throw DecodingError.dataCorruptedError(
        forKey: .family, in: values, debugDescription: "there is no family \(family)")
    }
  }
}

extension Rules.Rule: Decodable {
  private enum Key: String, CodingKey, CaseIterable {
    case match, name, transpose, squeeze, waive
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    func fault(_ key: Key, _ problem: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: values, debugDescription: problem)
    }
    let match = try values.decode(String.self, forKey: .match)
    guard (try? Regex(match)) != nil else {
      throw fault(.match, "\(match) is no regular expression")
    }
    if let reason = try values.decodeIfPresent(String.self, forKey: .waive) {
      guard values.allKeys.count == 2 else {
        throw fault(.waive, "what is waived gets no name and no other axes")
      }
      self.init(match: match, action: .waive(reason))
      return
    }
    let text = try values.decode(String.self, forKey: .name)
    guard let name = NameTemplate(text), !text.isEmpty else {
      throw fault(.name, "\(text) is no name with $1 or ${1+1}")
    }
    let order = try values.decodeIfPresent([Int].self, forKey: .transpose) ?? []
    guard Set(order) == Set(order.indices), order.count <= 8 else {
      throw fault(.transpose, "\(order) is no order of axes, which are counted from 0")
    }
    self.init(
      match: match,
      action: .rename(
        name,
        .init(
          squeezes: try values.decodeIfPresent(Bool.self, forKey: .squeeze) ?? false, order: order))
    )
  }
}

extension Rules {
  /// The rules for a file's records: what each expression does, by the expression.
  package var record: [String: String] {
    Dictionary(
      rules.enumerated().map { index, rule in
        let words =
          switch rule.action {
          case .waive(let reason): "waived: \(reason)"
          case .rename(let name, let rearrangement):
            name.text + (rearrangement.squeezes ? ", squeezed" : "")
              + (rearrangement.order.isEmpty ? "" : ", axes \(rearrangement.order)")
          }
        return (rule.match, "\(index + 1): \(words)")
      }
    ) { first, _ in first }
  }
}
