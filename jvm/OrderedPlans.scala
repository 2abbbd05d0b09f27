package org.apache.spark.ordered

import org.apache.spark.SparkConf
import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.catalyst.expressions.{Alias, Ascending, MonotonicallyIncreasingID, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.{RangePartitioning, SinglePartition}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{ColumnarRule, ProjectExec, SortExec, SparkPlan}
import org.apache.spark.sql.execution.exchange.ShuffleExchangeExec

/** Has SQL plan what sorts so that the order follows from the rows alone, in the sessions that ask for it.
  *
  * Contract of `spark.sql.extensions`: called once with the extensions of all sessions of a context.
  */
class OrderedPlans extends (SparkSessionExtensions => Unit) {

  /** Contract of `preColumnarTransitions`: changes a physical plan that is complete, shuffles and sorts in it, before
    * code is generated of it; rows and columns stay what they are.
    */
  override def apply(extensions: SparkSessionExtensions): Unit = extensions.injectColumnar { _ =>
    new ColumnarRule { override def preColumnarTransitions: Rule[SparkPlan] = OrderedPlans }
  }
}

private[ordered] object OrderedPlans extends Rule[SparkPlan] {

  private val EXTENSIONS = "spark.sql.extensions"
  private val ASKED = "spark.vintage.ordered.plans"

  /** The settings with these plans among their extensions. */
  def added(conf: SparkConf): SparkConf = {
    val all = conf.getOption(EXTENSIONS).toSeq :+ classOf[OrderedPlans].getName
    conf.clone().set(EXTENSIONS, all.distinct.mkString(","))
  }

  override def apply(plan: SparkPlan): SparkPlan =
    if (conf.getConfString(ASKED, "false").toBoolean) ordered(plan) else plan

  private def ordered(plan: SparkPlan): SparkPlan = plan.transformUp {
    // Spark's sort keeps equal rows in their order until it spills. What adds them up, a window or an aggregation of
    // texts, would follow from how much memory there was. So the place of a row is the last thing to sort by.
    case sort: SortExec =>
      val place = Alias(MonotonicallyIncreasingID(), "place")()
      val placed = ProjectExec(sort.child.output :+ place, sort.child)
      val by = sort.sortOrder :+ SortOrder(place.toAttribute, Ascending)
      ProjectExec(sort.output, sort.copy(sortOrder = by, child = placed))
    // Its bounds are sampled by the number of an RDD, which follows from what the session did before.
    case exchange: ShuffleExchangeExec if exchange.outputPartitioning.isInstanceOf[RangePartitioning] =>
      exchange.copy(outputPartitioning = SinglePartition)
  }
}
