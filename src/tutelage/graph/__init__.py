"""Records and literature as one graph: nodes, links, where they are kept and how they are seen.

The facts of a node, by kind (all may be missing; an unknown one is left out, never null):

``work``    abstract, type ("preprint", "article" ...), venue, url, doi, arxiv, cited_by, retracted
``person``  orcid, works_count, url
``topic``   works_count, works_count_source, description, url
``method``  name, kind ("logit", "feature" ...), summary
``model``   architecture, parameters, sha256, accuracy (test split, last epoch), accuracy_best
``data``    name, classes, fingerprint
``run``     id, state ("unfinished", "complete"), command, seed, epochs, epochs_done, method,
            student, teacher, data, accuracy, accuracy_best, accuracy_teacher, started,
            finished, seconds

Every node may have ``names`` (other names it is known by) and ``ids`` (all that name it).
Accuracies are fractions of the task's own measure. Urls are http or https. Texts are plain.
"""
