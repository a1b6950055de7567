import Comparison
package import Diagnosis
package import Families
import Files
import Inference
import Plain
import ResNetV2
import Tensors
import WeightSources

/// Two files whose weights are to be compared.
package struct DiffRequest: Sendable {
  /// The first file.
  package var first: String
  /// The second file, in whose units differences are given.
  package var second: String
  /// The family of files that are not converted, or `nil` to recognise it.
  package var family: Family?
  /// Which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
  package var dictionary: String?
  /// What the user says of the network.
  package var told = Told()
  /// Whether tensors are paired by the files' own names rather than by what they are in the network.
  package var goesByName = false
  /// The number of threads.
  package var threads = WorkerPool.processorCount

  package init(first: String, second: String) {
    self.first = first
    self.second = second
  }
}

/// Compares the weights of two files, across containers and families, and the options of their networks; nothing is
/// run.
///
/// - Throws: `InputError` where a file cannot be read or holds no known network.
package func diff(_ request: DiffRequest) throws -> WeightComparison {
  let sources = try openSources([request.first, request.second], request.dictionary)
  let comparison: WeightComparison
  if request.goesByName {
    comparison = try WeightComparison(
      try namedTensors(of: sources[0]), try namedTensors(of: sources[1]),
      threads: request.threads)
  } else if !sources.contains(where: { isNetwork($0, request) }),
    let own = try ownDifferences(
      between: sources[0], and: sources[1], threads: request.threads)
  {
    // No family knows either: then their own graphs say which layer is which.
    comparison = own
  } else {
    let first = try mapped(sources[0], request)
    let second = try mapped(sources[1], request)
    comparison = try WeightComparison(
      try mappedTensors(of: first, threads: request.threads),
      try mappedTensors(of: second, threads: request.threads),
      options: try differences(between: first.graph.configuration, and: second.graph.configuration),
      threads: request.threads)
  }
  for source in sources { try source.checkUnchanged() }
  return comparison
}

private func isNetwork(_ source: any WeightSource, _ request: DiffRequest) -> Bool {
  (try? mapped(source, request)) != nil
}

private func mapped(_ source: any WeightSource, _ request: DiffRequest) throws -> Model {
  do {
    return try Model(
      source, family: request.family, told: try Model.told(request.told, of: source))
  } catch let error as InputError where error.kind == .badData {
    throw InputError(
      error.kind, path: error.path, error.problem, place: error.place,
      hint: "--by-name compares the tensors of any two files by their own names")
  }
}

private func mappedTensors(of model: Model, threads: Int) throws -> [ComparedTensor] {
  let parameters = try model.parameters(threads: threads)
  let names = model.tensorNames
  return model.graph.parameters.map { parameter in
    ComparedTensor(
      name: parameter.name, fileName: names[parameter.name] ?? parameter.name,
      tensor: parameters[parameter])
  }
}

private func namedTensors(of source: any WeightSource) throws -> [ComparedTensor] {
  try source.tensors.map { info in
    ComparedTensor(
      name: info.name, fileName: info.name, tensor: try source.tensor(named: info.name))
  }
}

// MARK: - Options of the networks

/// The options in which two networks differ.
func differences(
  between first: Configuration, and second: Configuration
) throws -> [WeightComparison.DifferingOption] {
  let (own, other) = (try options(of: first), try options(of: second))
  return Set(own.keys).union(other.keys).sorted().filter { own[$0] != other[$0] }.map {
    WeightComparison.DifferingOption(name: $0, first: own[$0], second: other[$0])
  }
}

/// Every option by its place, such as `stem.poolPadding`.
private func options(of configuration: Configuration) throws -> [String: String] {
  var options: [String: String] = [:]
  func visit(_ value: JSONValue, _ name: String) {
    switch value {
    case .object(let entries):
      for (key, value) in entries { visit(value, name.isEmpty ? key : "\(name).\(key)") }
    case .list(let elements):
      for (index, value) in elements.enumerated() { visit(value, "\(name)[\(index)]") }
    case .text(let text): options[name] = text
    case .integer(let number): options[name] = String(number)
    case .number(let number): options[name] = String(number)
    case .bool(let flag): options[name] = String(flag)
    case .null: options[name] = "none"
    }
  }
  visit(try JSONValue(json: RecordCoding.json(configuration).utf8), "")
  return options
}
