import Families
import Files
package import Inference
import ResNetV2
import Tensors

/// How exact the fast kernels are, layer by layer.
package struct AccuracyOutcome: Sendable {
  /// One layer, computed alone from exact inputs.
  package struct Layer: Sendable {
    /// Its name in the graph.
    package let name: String
    /// How it was computed.
    package let method: ConvolutionMethod
    /// Its scaled error against the reference.
    package let error: Double
  }

  /// The network's name.
  package let architecture: String
  /// The kernels that were used.
  package let instructionSet: InstructionSet
  /// The layers in order, without the input.
  package let layers: [Layer]
}

/// Computes every layer alone with the fast kernels and with sums in Double, from the same inputs, and compares.
///
/// - Throws: `InputError` where the file cannot be read or the input does not fit.
package func benchAccuracy(_ request: BenchRequest) throws -> AccuracyOutcome {
  let (graph, family, parameters) = try network(request)
  let shape = request.inputShape(of: graph, family)
  let fast = request.executor(graph, parameters, input: shape)
  let reference = ReferenceExecutor(
    graph: graph, parameters: parameters, pool: request.pool)
  var values: [Activation] = []
  var layers: [AccuracyOutcome.Layer] = []
  do {
    let range = ProbeRange(graph.configuration.input)
    _ = try reference.run(.probe(seed: 1, shape: shape, range: range)) { node, value in
      let inputs = graph.nodes[node].inputs.map { values[$0] }
      if node > 0 {
        layers.append(
          AccuracyOutcome.Layer(
            name: graph.nodes[node].name, method: fast.method(of: node),
            error: ScaledError(
              of: try fast.evaluate(node, inputs: inputs).values, from: value.values
            ).value))
      }
      values.append(value)
    }
  } catch let error as InputShapeError {
    throw InputError(.badData, path: request.model, error.description)
  }
  return AccuracyOutcome(
    architecture: family.architectureName(of: graph.configuration),
    instructionSet: fast.instructionSet, layers: layers)
}
