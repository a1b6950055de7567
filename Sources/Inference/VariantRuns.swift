package import ResNetV2

extension FastExecutor {
  /// Parameters that differ from an executor's own in those of one node.
  package struct Variant: Sendable {
    /// The node.
    package let node: Int
    /// All parameters.
    package let parameters: Parameters

    /// Makes a variant.
    package init(node: Int, parameters: Parameters) {
      self.node = node
      self.parameters = parameters
    }
  }

  /// Runs the network with each of several variants in place of its own parameters.
  ///
  /// What comes before a variant's node is computed once for all of them, so the variants take half
  /// the time of whole passes. The values are those of an executor made with the variant's
  /// parameters, bit for bit, where it chooses the same methods.
  ///
  /// - Parameter observer: receives the network's output with each variant, in the order of the
  ///   graph's nodes.
  /// - Returns: the output with the executor's own parameters.
  /// - Throws: `InputShapeError` where the input does not fit.
  package func run(
    _ input: Activation, variants: [Variant],
    observer: (_ variant: Int, _ output: Activation) -> Void
  ) throws -> Activation {
    // A variant goes on where a step ends, for all images.
    let plan = try Plan(graph, input: input.shape, keepsActivations: false, imageByImage: false)
    let own = PlanRun(executor: self, plan: plan, input: input)
    let byNode = Dictionary(grouping: variants.indices) { variants[$0].node }
    for (position, step) in plan.steps.enumerated() {
      for node in step.nodes {
        for index in byNode[node] ?? [] {
          let executor = FastExecutor(
            self, replacing: node, with: variants[index].parameters)
          let run = own.continued(by: executor)
          for step in plan.steps[position...] { run.perform(step) }
          observer(index, run.value(of: graph.outputIndex))
        }
      }
      own.perform(step)
    }
    return own.value(of: graph.outputIndex)
  }
}
