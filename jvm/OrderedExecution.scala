package org.apache.spark.ordered

import java.util

import org.apache.spark.{SPARK_VERSION, SparkConf, SparkEnv, TaskContext}

/** What the driver and the executors say of themselves, and the Spark that all of this was tested with.
  *
  * The classes below lie in a package of Spark because they extend and call what Spark keeps to itself. Spark
  * promises nothing of that from one version to the next: another version is refused, not tried.
  */
object OrderedExecution {

  val TESTED: String = "4.1.4"

  /** The settings under which the shuffle gives rows in an order that nothing here decides. */
  private val refused = Seq("spark.shuffle.push.enabled" -> "true", "spark.shuffle.sort.io.plugin.class" -> null)

  /** What a JVM is: its Spark and its shuffle manager. Called on executors, through SQL's `java_method`. */
  def told(): String = s"$SPARK_VERSION ${SparkEnv.get.shuffleManager.getClass.getName}"

  /** The local property of the jobs whose results a model follows from. Tasks have it, too. */
  val LEARNING: String = "vintage.learning"

  private[ordered] def checked(conf: SparkConf): SparkConf = checked(conf, SPARK_VERSION)

  /** The settings, unless this is another Spark, or they give a shuffle whose order is not known. */
  def checked(conf: SparkConf, version: String): SparkConf = {
    if (version != TESTED) {
      throw new IllegalStateException(s"ordered execution was tested with Spark $TESTED; this is Spark $version")
    }
    for ((name, value) <- refused; found <- conf.getOption(name) if value == null || found == value) {
      throw new IllegalArgumentException(
        s"ordered execution reads map outputs itself; $name=$found hands them elsewhere")
    }
    conf
  }

  /** Throws an error when the task's SQL could not hold the groups of a GROUP BY in memory.
    *
    * `HashAggregateExec` then sorts what it has, begins anew, and merges in the end: a + b + c becomes a + (b + c), by
    * how much memory there was. Spark has no way to have that done in order. It counts the tasks that did.
    */
  private[ordered] def requireNoFallback(context: TaskContext): Unit =
    if (context.taskMetrics().withExternalAccums(_.exists(each => each.name.contains(FALLBACKS) && each.value != 0L))) {
      throw new IllegalStateException(
        "SQL_GROUPS_OUT_OF_MEMORY: a task's memory does not hold the groups of a GROUP BY that a stage learns from")
    }

  /** As `HashAggregateExec` calls that metric. */
  private val FALLBACKS = "number of sort fallback tasks"

  private[ordered] def noFurtherSettings: util.Map[String, String] = util.Collections.emptyMap[String, String]()
}
